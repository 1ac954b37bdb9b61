import type { NamesIn } from '../names/names-in.js';
import type { OtherLayouts, TreeReader } from '../tree-layout.js';

/** What tells of names in a folder whether they are of a backup that lies in it. */
export interface OwnNames {
  /** Whether its tool gives this name: what has any other may be somebody else's. */
  isOwnName(name: string): boolean;
  /** Names there that the tool itself lists as those of the backup. Absent: it keeps no list.
   *  @param folder path within the repository */
  listed?(reader: TreeReader, folder: string, names: NamesIn): Promise<ReadonlySet<string>>;
}

/** Of a backup what is not taken by others that know it: what nobody knows stays with it, so that nothing is left to nobody.
 *  @param folder path within the repository
 *  @returns null: all of it
 *  @throws what the repository throws */
export async function ownPart(
  reader: TreeReader,
  folder: string,
  { files, folders }: NamesIn,
  asked: OwnNames & { readonly others: OtherLayouts },
): Promise<NamesIn | null> {
  const isStrange = (name: string): boolean => !asked.isOwnName(name);
  if (!files.some(isStrange) && !folders.some(isStrange)) return null;
  const known = await asked.listed?.(reader, folder, { files, folders });
  const mayBeOthers = (name: string): boolean => isStrange(name) && known?.has(name) !== true;
  const doubtful = { files: files.filter(mayBeOthers), folders: folders.filter(mayBeOthers) };
  if (doubtful.files.length + doubtful.folders.length === 0) return null;
  const taken = await asked.others.taken(folder, doubtful);
  if (taken.files.length + taken.folders.length === 0) return null;
  return {
    files: files.filter((name) => !taken.files.includes(name)),
    folders: folders.filter((name) => !taken.folders.includes(name)),
  };
}
