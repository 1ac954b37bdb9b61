import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FolderSync } from '../../domain/targets/storage-probe.js';
import { openDirectoryRepository } from './directory-repository.js';
import { probeStorage } from './probe-directory.js';
import type { RepositoryKind } from '../repository-kind.js';
import { OWN_FOLDER } from '../repository-path.js';
import { keepReserve, withWholeReserve } from '../reserve.js';
import { errnoOf, faultOfErrno } from '../storage-error.js';
import { watchFolders } from './watch-folder.js';

interface DirectorySettings {
  readonly kind: 'directory';
  readonly path: string;
  /** Whether storage that cannot sync folders is refused as a target. */
  readonly folderSync?: FolderSync;
  /** Whether the stamps of the storage prove that a file was not written to. Absent: strong. */
  readonly stamps?: 'strong' | 'weak';
}

function optionsOf(id: string, { path, folderSync, stamps }: DirectorySettings) {
  return { id, rootPath: path, folderSync, stampsProve: stamps !== 'weak' };
}

export const directoryKind: RepositoryKind<DirectorySettings> = {
  kind: 'directory',
  meaning: 'A folder of this machine: a disk or a mounted share.',
  limits: [],
  placeSetting: 'path',
  settings: ({ z, filePath, pathAllowed }) => ({
    path: filePath({
      description: 'Folder of the repository.',
      allowed: `${pathAllowed}; not the folder of another repository, nor inside or above it`,
    }),
    folderSync: z.enum(['required', 'unavailable']).default('required').meta({
      description:
        '`required`: a target whose storage cannot sync folders is refused. `unavailable`: it is accepted, and a power cut may take restore points that were reported as copied.',
      allowed: '`required` or `unavailable`',
    }),
    stamps: z.enum(['strong', 'weak']).default('strong').meta({
      description:
        'Whether size, times and inode number of a file prove that it was not written to. `weak`: times are whole seconds or can be set back, so sources are read and compared instead.',
      allowed: '`strong` or `weak`',
    }),
  }),
  absolute: (settings, configFolder) => ({
    ...settings,
    path: resolve(configFolder, settings.path),
  }),
  place: ({ path }) => path,
  folder: ({ path }) => path,
  openSource: (id, settings, contents) =>
    openDirectoryRepository({ ...optionsOf(id, settings), readOnly: true, ...contents }),
  openTarget: (id, settings, contents) =>
    openDirectoryRepository({ ...optionsOf(id, settings), readOnly: false, ...contents }),
  async probe(id, { path, folderSync = 'required' }) {
    // Opened strictly: a repository that accepts a missing ability hides it.
    const repository = await openDirectoryRepository({ id, rootPath: path, readOnly: false });
    const options = { rootPath: path, folderSync, now: Date.now };
    return withWholeReserve(repository, () => probeStorage(repository, options));
  },
  async mayWrite({ path }) {
    try {
      await access(join(path, OWN_FOLDER), constants.W_OK);
      return true;
    } catch (error) {
      const errno = errnoOf(error);
      return errno === null || faultOfErrno(errno, 'write').code !== 'REPOSITORY_READ_ONLY';
    }
  },
  async withReserve(id, { path }, work) {
    const repository = await openDirectoryRepository({ id, rootPath: path, readOnly: false });
    return withWholeReserve(repository, work);
  },
  async keepReserve(id, { path }) {
    await keepReserve(await openDirectoryRepository({ id, rootPath: path, readOnly: false }));
  },
  watch: ({ path }, onChange) => watchFolders(path, onChange),
};
