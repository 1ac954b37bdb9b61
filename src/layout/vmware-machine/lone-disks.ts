import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { descriptorOfExtent } from '../ghettovcb/names.js';
import { loneIds } from '../images/single-file.js';

/** Before their definition was there the disks lay alone, each under the name of what its snapshots build on: a short one, as not all ids may fit. */
export function loneDiskIds(folder: string, files: readonly RepositoryEntry[]): string[] {
  const names = files.map(({ name }) => name).filter((name) => descriptorOfExtent(name) === null);
  const sorted = names.toSorted((a, b) => a.length - b.length);
  return [...new Set(sorted.flatMap((name) => loneIds('disk', folder, name)))];
}
