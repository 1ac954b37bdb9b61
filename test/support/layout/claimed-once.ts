import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFilePassedOver, isFolderPassedOver } from '../../../src/domain/sources/passed-over.js';
import { filesOfDisk } from '../../../src/domain/sources/source-files.js';
import type { SourceWorkload } from '../../../src/domain/sources/source-workload.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';
import { TREE_LAYOUTS } from '../../../src/layout/tree-layouts.js';
import { walkFolders } from '../../../src/layout/walk/walk-folders.js';
import { joinPath } from '../../../src/repository/repository-path.js';
import type { RepositoryCopy } from './repository-copy.js';

const LAYOUTS = { trees: TREE_LAYOUTS, images: BACKUP_LAYOUTS };

/** Who has each file of a repository, where that is not one: the layouts that claim it, `named` for those that nobody does and that are told. A file
 *  that is passed over by its name, or lies in a folder that is, may be of nobody. */
export async function notClaimedOnce({ repository, at }: RepositoryCopy): Promise<string[]> {
  const owners = new Map<string, string[]>();
  for (const path of await filesIn(at(''))) owners.set(path, []);
  const give = (path: string, owner: string): void => {
    for (const [file, known] of owners)
      if (file === path || file.startsWith(`${path}/`)) known.push(owner);
  };
  for await (const { folder, trees, shares, unclaimed, unseen, unread } of walkFolders(
    repository,
    LAYOUTS,
  )) {
    for (const { layout, claim } of trees)
      for (const path of [...claim.files, ...(claim.folders ?? [])])
        give(joinPath(folder, path), layout.name);
    for (const { layout, claimed } of shares)
      for (const { path } of claimed.files) owners.get(path)?.push(layout.name);
    for (const { path } of unclaimed) give(path, 'named');
    for (const { path } of unseen) give(path, 'unseen');
    for (const { part } of unread) give(part.path, 'unread');
  }
  return [...owners].flatMap(([path, own]) =>
    own.length === 1 || (own.length === 0 && isPassedOver(path))
      ? []
      : [`${path}: ${own.length === 0 ? 'nobody' : own.join(', ')}`],
  );
}

/** Files that points of more than one workload list. */
export function listedTwice(workloads: readonly SourceWorkload[]): string[] {
  const owners = new Map<string, Set<string>>();
  for (const workload of workloads)
    for (const path of filesOfWorkload(workload))
      owners.set(path, (owners.get(path) ?? new Set()).add(workload.id));
  return [...owners].flatMap(([path, own]) =>
    own.size > 1 ? [`${path}: ${[...own].join(', ')}`] : [],
  );
}

function filesOfWorkload({ tree, restorePoints }: SourceWorkload): string[] {
  if (tree !== undefined)
    return tree.points.flatMap(({ files }) =>
      (files ?? []).map((path) => joinPath(tree.root, path)),
    );
  return restorePoints.flatMap(({ disks, companions }) => [
    ...disks.flatMap((disk) => filesOfDisk(disk).map(({ path }) => path)),
    ...companions.map(({ path }) => path),
  ]);
}

function isPassedOver(path: string): boolean {
  const folders = path.split('/');
  return isFilePassedOver(folders.pop()!) || folders.some(isFolderPassedOver);
}

async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length))
    .sort();
}
