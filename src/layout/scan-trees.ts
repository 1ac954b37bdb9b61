import { restorePointsOf } from '../domain/trees/settled-tree.js';
import type { SourceWorkload } from '../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';
import { FolderReader } from './trees/tree-reader.js';
import { unlistedFiles } from './walk/unlisted-files.js';
import { claimText, isBug, unreadPart, type UnreadPlace } from './unread-place.js';
import type { WalkedFolder } from './walk/walk-folders.js';

/** A place that tells what trees there are, and that its storage cannot read, or does not allow to be read. */
export type OnUnread = (place: UnreadPlace) => void;

/** The trees of one folder, as workloads. What cannot be read of one layout's takes nothing from the others.
 *  @param facts of that folder
 *  @param onUnlisted is told of files that were claimed and are of no point. Absent: nobody looks for them
 *  @throws what the repository throws that says nothing of one folder or file; what `onUnread` throws */
export async function treesIn(
  facts: FolderFacts,
  { folder, trees }: Pick<WalkedFolder, 'folder' | 'trees'>,
  onUnread: OnUnread,
  onUnlisted?: (files: readonly RepositoryEntry[]) => void,
): Promise<SourceWorkload[]> {
  const workloads: SourceWorkload[] = [];
  for (const { layout, claim } of trees) {
    let isWhole = true;
    let isScanned = false;
    const tell = (error: unknown): void => {
      isWhole = false;
      // Once it is scanned its layout needs it for none of its points.
      const what = isScanned ? undefined : claimText(layout, folder);
      onUnread({ part: unreadPart(error, folder, what), error });
    };
    const reader = new FolderReader(facts.repository, folder, facts, tell);
    const look = () => layout.scan(reader, folder, claim);
    const all = (await orBug(() => reader.orTell(look), tell)) ?? [];
    isScanned = true;
    // Where not all is known, nobody knows what no point lists.
    const lookForOthers = () => unlistedFiles(reader, folder, { layout, claim }, all);
    if (onUnlisted && isWhole) onUnlisted((await orBug(lookForOthers, tell)) ?? []);
    for (const found of all) {
      const { id, otherIds, name, root, within, points, conflict } = found;
      workloads.push({
        ...{ id, name, type: layout.type.id, folders: [folder] },
        ...(otherIds === undefined ? {} : { otherIds }),
        restorePoints: restorePointsOf(found),
        tree: { layout: layout.name, root, points, ...(within === undefined ? {} : { within }) },
        ...(conflict === undefined ? {} : { conflict }),
      });
    }
  }
  return workloads;
}

/** null: what lies there made the layout fail, which is told. */
async function orBug<T>(look: () => Promise<T>, tell: (error: unknown) => void): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!isBug(error)) throw error;
    tell(error);
    return null;
  }
}
