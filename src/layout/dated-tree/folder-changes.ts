import type { PointEvidence } from '../../domain/sources/point-state.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { TreeReader } from '../tree-layout.js';

/** A share may have millions of files, and this is asked at each look: the folders that changed last tell. */
const MAX_FOLDERS = 200;
const MAX_ENTRIES = 20_000;

/** When something in a folder that a script fills was last written. Times of modification are put back to those of the originals, and the change
 *  times of files move with every link that is made to them or removed elsewhere. What tells is when a folder got or lost an entry, and a file of which both
 *  times are one: it is still being written, or was and kept its time. Of a large tree those folders are looked into that changed last. */
export async function folderChanges(
  reader: TreeReader,
  folder: RepositoryEntry,
): Promise<PointEvidence> {
  let newestNs = BigInt(folder.stamp.changedAtNs);
  const waiting: Waiting[] = [{ path: folder.path, changedNs: newestNs }];
  let [folders, entries] = [0, 0];
  while (waiting.length > 0 && folders < MAX_FOLDERS && entries < MAX_ENTRIES) {
    const next = takeNewest(waiting);
    folders++;
    for (const entry of await entriesOf(reader, next.path)) {
      entries++;
      const { changedAtNs, modifiedAtNs } = entry.stamp;
      if (entry.type !== 'folder' && changedAtNs !== modifiedAtNs) continue;
      const changedNs = BigInt(changedAtNs);
      if (entry.type === 'folder') waiting.push({ path: entry.path, changedNs });
      if (changedNs > newestNs) newestNs = changedNs;
    }
  }
  const changedAtMs = Number(newestNs / 1_000_000n);
  return { closing: 'silent', changedAtMs, files: `${entries}:${changedAtMs}` };
}

interface Waiting {
  readonly path: string;
  readonly changedNs: bigint;
}

function takeNewest(waiting: Waiting[]): Waiting {
  let newest = 0;
  for (let index = 1; index < waiting.length; index++)
    if (waiting[index]!.changedNs > waiting[newest]!.changedNs) newest = index;
  return waiting.splice(newest, 1)[0]!;
}

/** One that may not be looked into tells nothing, and holds nothing up. */
async function entriesOf(reader: TreeReader, folder: string): Promise<RepositoryEntry[]> {
  try {
    return await reader.list(folder);
  } catch (error) {
    if (faultOfSourceFile(error) === null) throw error;
    return [];
  }
}
