import { expect, it } from 'vitest';
import type { Exclusion } from '../../../../src/domain/jobs/copy-job.js';
import { uncopiedPlaces, watchedPlaces } from '../../../../src/domain/safety/uncopied-places.js';

/** Whether a borg 2 store in a folder of a repository, which is one place, is still watched. */
function isWatched(...exclude: Exclusion[]): boolean {
  const uncopied = uncopiedPlaces(
    [],
    [{ folder: 'store', fileCount: 9000, examples: ['archives/ab'], tool: 'borg 2' }],
  );
  const repository = { id: 'primary', role: 'primary', uncopied } as const;
  const sources = { include: [{ repositoryId: 'primary' }], exclude };
  return watchedPlaces([repository], [{ sources }]).places.length > 0;
}

it.each<[string, Exclusion]>([
  ['its name', { workload: 'store' }],
  ['its id', { workload: 'unrecognised:store' }],
])('a backup in many folders is held back by %s', (_, exclusion) => {
  expect(isWatched(exclusion)).toBe(false);
});

it('and not by what lies beside it', () => {
  expect(isWatched({ workload: 'store2/data' }, { workload: 'data' })).toBe(true);
});

// Which of them were there when it was written nobody knows: a store has many, of which one place tells.
it.each<[string, Exclusion]>([
  ['a pattern of folders in it', { pattern: 'store/*' }],
  ['the id of one folder in it', { workload: 'unrecognised:store/archives' }],
  ['a pattern that is meant for others, and which one folder in it has', { pattern: '*ff' }],
])('nor by %s', (_, exclusion) => {
  expect(isWatched(exclusion)).toBe(true);
});
