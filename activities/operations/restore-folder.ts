import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { BackupError, isBackupError, type ErrorCode } from '../../src/domain/errors.js';
import { folderRepositoryId } from '../../src/repository/open-repository.js';
import { errnoOf, faultOfErrno } from '../../src/repository/storage-error.js';

/** The folder of this machine that a restore writes into.
 *
 *  A restore never writes into a repository, whatever the folder is called: links are followed, and what is mounted at two places (`mount --bind`) is one
 *  place. */

/** Makes the folder when it is new.
 *  @throws RESTORE_DESTINATION_INVALID when it cannot be made or lies in one of `repositoryFolders` */
export async function makeRestoreFolder(
  path: string,
  repositoryFolders: readonly string[],
): Promise<void> {
  if (!isAbsolute(path)) throw refused(path, 'it is not an absolute path');
  const mounts = await mountTable();
  const destination = placeIn(mounts, await realFolder(path));
  for (const root of repositoryFolders)
    if (isWithin(placeIn(mounts, await realFolder(root)), destination))
      throw refused(path, 'it lies in a backup repository');
  await makeFolder(path);
}

/** Of a restore whose files get names in folders of their own: none of them may lead into a repository.
 *  @throws RESTORE_DESTINATION_INVALID when one of `repositoryFolders` lies in the folder */
export async function assertHoldsNoRepository(
  path: string,
  repositoryFolders: readonly string[],
): Promise<void> {
  const mounts = await mountTable();
  const real = await realFolder(path);
  for (const root of repositoryFolders) {
    const realRoot = await realFolder(root);
    // What is mounted below the folder is no part of its file system, but of its names.
    const isBelow =
      isBelowOrSame(real, realRoot) || isWithin(placeIn(mounts, real), placeIn(mounts, realRoot));
    if (isBelow) throw refused(path, `a backup repository lies in it (${root})`);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const entry = await stat(path).catch(() => null);
    if (entry?.isDirectory() === true) return;
    if (entry !== null) throw refused(path, 'it is not a folder');
    const errno = errnoOf(error);
    if (errno === null) throw error;
    if (errno === 'ENOENT')
      throw refused(
        path,
        'the folder that it should be made in does not exist on the worker’s machine',
      );
    const { words } = faultOfErrno(errno, 'write');
    throw refused(path, `the account that Longhaul runs as cannot make it: ${words} (${errno})`);
  }
}

function refused(path: string, why: string): BackupError {
  return new BackupError('RESTORE_DESTINATION_INVALID', `${path} cannot be restored to: ${why}`);
}

/** The folder without links; of one that is not there, or cannot be looked at, as far as it is. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realFolder(parent), basename(path));
  }
}

/** Where a folder lies, whatever is mounted where. */
interface MountedPlace {
  /** Device number of its file system. */
  readonly device: string;
  /** From the root of that file system. */
  readonly path: string;
}

interface Mount extends MountedPlace {
  readonly at: string;
}

async function mountTable(): Promise<Mount[]> {
  try {
    return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  } catch {
    return []; // not Linux: names alone tell
  }
}

/** proc_pid_mountinfo(5): number, parent, device, root within the file system, mount point; blanks in names as `\040`. */
export function parseMounts(text: string): Mount[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length > 5)
    .map(([, , device, root, at]) => ({ device: device!, path: plain(root!), at: plain(at!) }));
}

function plain(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount of the longest name leads there; of several at one place the last. */
export function placeIn(mounts: readonly Mount[], path: string): MountedPlace {
  let found: Mount = { device: '', path: '/', at: '/' };
  for (const mount of mounts)
    if (isBelowOrSame(mount.at, path) && mount.at.length >= found.at.length) found = mount;
  return { device: found.device, path: join(found.path, relative(found.at, path)) };
}

function isWithin(folder: MountedPlace, place: MountedPlace): boolean {
  return folder.device === place.device && isBelowOrSame(folder.path, place.path);
}

function isBelowOrSame(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

/** Work that writes into the folder of a restore. What a target without room needs (fewer copies) is no help to who restores.
 *  @throws what `write` throws, with what to do about the folder */
export async function intoFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isBackupError(error) || error.details['repositoryId'] !== folderRepositoryId(path))
      throw error;
    const { code, message, details } = error;
    const hint = FOLDER_HINTS[code]?.(path);
    throw hint === undefined
      ? error
      : new BackupError(code, message, { details, cause: error, hint });
  }
}

const FOLDER_HINTS: Partial<Record<ErrorCode, (path: string) => string>> = {
  REPOSITORY_FULL: (path) =>
    `Make room in ${path} and order the restore again into the same folder: it goes on where it stopped. Or order it into another folder.`,
  REPOSITORY_READ_ONLY: (path) =>
    `Let the account that Longhaul runs as write to ${path} and order the restore again into the same folder: it goes on where it stopped. Or order it into another folder.`,
};
