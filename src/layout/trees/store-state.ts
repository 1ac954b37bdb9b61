import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { writtenAtMs } from '../names/named-date.js';

/** The one restore point of a store that does not tell what it holds without its password: the store as it is, dated by the newest of the files
 *  that its tool writes last. None when there is no such file: nothing was ever finished in it. */
export function stateOfStore(closing: readonly RepositoryEntry[]): TreePoint[] {
  if (closing.length === 0) return [];
  const createdAtMs = writtenAtMs(closing);
  return [
    {
      id: new Date(createdAtMs).toISOString(),
      createdAtMs,
      kind: 'snapshot',
      needs: [],
      state: 'complete',
      reason: null,
      files: null,
    },
  ];
}
