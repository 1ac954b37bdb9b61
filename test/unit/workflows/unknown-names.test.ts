import { expect, it } from 'vitest';
import { testJob } from '../../support/session/test-site.js';
import { unknownNames } from '../../../workflows/session/unknown-names.js';

it('looks names that a session was started for up, and not at every workload for each', () => {
  const COUNT = 2_000;
  const names = Array.from({ length: COUNT }, (_, index) => `vm${index}`);
  let asked = 0;
  const workloads = names.map((name) => ({
    get id() {
      asked++;
      return `id-${name}`;
    },
    ...{ name, type: 'unknown' },
  }));
  const looks = [{ repositoryId: 'primary', workloads, isRead: true }];
  expect(unknownNames(testJob(), names, looks)).toEqual([]);
  expect(asked).toBeLessThan(10 * COUNT);
});
