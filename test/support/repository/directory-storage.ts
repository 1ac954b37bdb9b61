import type { StorageSettings } from '../../../src/repository/repository-kind.js';

interface DirectoryStorage extends StorageSettings {
  readonly path: string;
}

/** Settings of a repository in a folder of this machine. @param path absolute */
export function directory(path: string, more: { readonly folderSync?: string } = {}) {
  return { kind: 'directory', path, ...more } satisfies DirectoryStorage;
}
