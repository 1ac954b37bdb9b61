import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { Claim } from '../backup-layout.js';
import type { TreeReader } from '../tree-layout.js';
import { joinPath, parentFolder } from '../../repository/repository-path.js';

/** A file of a tree. */
export interface TreeFile extends RepositoryEntry {
  /** Path from the tree's root. */
  readonly within: string;
}

/** The claimed files of a folder and of those in it, then all of its claimed folders at any depth, each folder before those within it. */
export async function claimedTreeFiles(
  reader: TreeReader,
  folder: string,
  { files, folders = [] }: Claim,
): Promise<TreeFile[]> {
  const own = new Set(files);
  const found: TreeFile[][] = [];
  for (const place of new Set(files.map(parentFolder))) {
    const entries = await reader.list(place === '' ? folder : joinPath(folder, place));
    const here = entries.map((entry) => ({ ...entry, within: joinPath(place, entry.name) }));
    found.push(here.filter(({ type, within }) => type === 'file' && own.has(within)));
  }
  for (const name of folders) found.push(await filesBelow(reader, folder, name));
  return found.flat();
}

/** All files at any depth below `within`, each folder before those within it.
 *  @param root of the tree
 *  @param within path from the root */
export async function filesBelow(
  reader: TreeReader,
  root: string,
  within: string,
): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  const waiting = [within];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const folders: string[] = [];
    for (const entry of await reader.list(joinPath(root, folder))) {
      const path = joinPath(folder, entry.name);
      if (entry.type === 'file') files.push({ ...entry, within: path });
      else if (entry.type === 'folder') folders.push(path);
    }
    for (const next of folders.reverse()) waiting.push(next);
  }
  return files;
}
