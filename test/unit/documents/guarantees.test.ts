import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guarantees, unproven, type TestOutcome } from '../../support/guarantees.js';
import { readDocument, ROOT } from './markdown.js';

describe('each guarantee of the README', () => {
  it('is numbered in order', () => {
    const numbers = guarantees().map(({ number }) => number);
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it.each(guarantees())('$number names its proof and the section that defines it', (guarantee) => {
    expect(guarantee.proofs).not.toEqual([]);
    expect(guarantee.text).toMatch(/\]\(docs\/[\w/]+\.md#[\w-]+\)/);
  });

  it.each(guarantees().flatMap(({ proofs }) => proofs))(
    'is proved by a test that exists: $path, $title',
    ({ path, title }) => {
      expect(existsSync(join(ROOT, path))).toBe(true);
      expect(readDocument(path)).toMatch(new RegExp(`\\(\\s*'${escaped(title)}',`));
    },
  );
});

describe('a proof of a guarantee', () => {
  const path = 'test/unit/a.test.ts';
  const proof = { of: 'guarantee 3', path, title: 'loses nothing in a $name that is stopped %s' };
  const suite = { of: 'guarantee 4', path: 'test/conformance/suite.ts', title: 'stays (inside)' };
  const passed = (title: string): TestOutcome => ({
    ...{ path, title, fullTitle: `a chain > ${title}`, state: 'passed' },
  });
  const other = passed('something else');
  const merge = passed('loses nothing in a merge that is stopped twice');
  const copy = passed('loses nothing in a copy that is stopped once');

  it('counts when all tests of its title passed', () => {
    expect(unproven([proof], [other, merge, copy])).toEqual([]);
  });

  it.each<[string, TestOutcome[], string]>([
    ['failed in one case', [merge, { ...copy, state: 'failed' }], 'failed'],
    ['was skipped', [{ ...merge, state: 'skipped' }], 'skipped'],
    ['is not in its file any more', [other], 'not run'],
    ['passed in another file', [other, { ...merge, path: 'test/unit/b.test.ts' }], 'not run'],
    ['has another title', [passed('never loses nothing in a x')], 'not run'],
  ])('does not count when it %s', (_case, outcomes, word) => {
    expect(unproven([proof], outcomes)).toEqual([
      `guarantee 3 is not proven, ${word}: ${path} "loses nothing in a $name that is stopped %s"`,
    ]);
  });

  it('is not asked for in a run without its file', () => {
    expect(unproven([proof, suite], [{ ...other, path: 'test/unit/b.test.ts' }])).toEqual([]);
  });

  it('of a suite counts where other files run it, in all of them', () => {
    const inside = passed('stays (inside)');
    expect(unproven([suite], [inside])).toEqual([]);
    expect(unproven([suite], [inside, { ...inside, state: 'failed' }])).toHaveLength(1);
  });
});

it('a proof is found by its title with those of the suites that it lies in', () => {
  const path = 'test/unit/a.test.ts';
  const proof = { of: 'x', path, title: 'of vmdk > stays' };
  const outcome = (suite: string): TestOutcome => ({
    ...{ path, title: 'stays', fullTitle: `${suite} > stays`, state: 'passed' },
  });
  expect(unproven([proof], [outcome('of vmdk')])).toEqual([]);
  expect(unproven([proof], [outcome('of vhd')])).toHaveLength(1);
});

function escaped(title: string): string {
  return title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
