import { expect, it } from 'vitest';
import type { Exclusion } from '../../../../src/domain/jobs/copy-job.js';
import { uncopiedPlaces, watchedPlaces } from '../../../../src/domain/safety/uncopied-places.js';

/** Whether a borg 2 store in a folder of a repository, which is one place, is still watched. */
function isWatched(...exclude: Exclusion[]): boolean {
  const uncopied = uncopiedPlaces(
    [],
    [
      {
        ...{ folder: 'store', fileCount: 9000, examples: ['archives/ab'], tool: 'borg 2' },
        parts: ['store/archives', 'store/data/ff/ff'],
      },
    ],
  );
  const repository = { id: 'primary', role: 'primary', uncopied } as const;
  const sources = { include: [{ repositoryId: 'primary' }], exclude };
  return watchedPlaces([repository], [{ sources }]).places.length > 0;
}

it.each<[string, Exclusion]>([
  ['its name', { workload: 'store' }],
  ['its id', { workload: 'unrecognised:store' }],
  ['the id of a folder in it, which was a place', { workload: 'unrecognised:store/data/00/01' }],
  ['the name of a folder in it', { workload: 'store/data/00/01' }],
  ['a pattern of folders in it', { pattern: 'store/data/*' }],
  ['a pattern of their ids', { pattern: '*/archives' }],
])('a backup in many folders is held back by %s', (_, exclusion) => {
  expect(isWatched(exclusion)).toBe(false);
});

it('and not by what lies beside it', () => {
  expect(isWatched({ workload: 'store2/data' }, { workload: 'data' })).toBe(true);
});
