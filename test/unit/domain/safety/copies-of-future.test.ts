import { expect, it } from 'vitest';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import { ago, chain, facts, instant, NOW_MS, source } from '../../../support/safety/known-facts.js';

/** One copy of a source, made so many hours after now (2026-11-26 12:00 UTC). */
function problems(hoursAhead: number) {
  const copy = chain('web10', 12, { newestCopiedAt: instant(ago(-hoursAhead)) });
  return safetyOf(facts([source('web10', 12)], [copy]), NOW_MS).problems;
}

it('tells of a copy that a clock 400 days ahead has made', () => {
  expect(problems(400 * 24)).toMatchObject([
    {
      ...{ code: 'COPY_OF_FUTURE', severity: 'warning', repositoryId: 'offsite', jobId: 'nightly' },
      text: 'the newest copies of web10 in offsite count as made on 2027-12-31, which has not come',
    },
  ]);
});

it.each([0, 24])('is content with one that is %d hours ahead', (hours) => {
  expect(problems(hours)).toEqual([]);
});
