import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './storage-error.js';

/** Ids of the targets that were met under the name of a repository, over restarts of the service. */
export interface SeenMarkers {
  /** Without order. Empty: none, or the memory cannot be read: what is not remembered is met for the first time. */
  of(repositoryId: string): Promise<readonly string[]>;
  /** Remembers one for ever, as far as the memory can be written. */
  add(repositoryId: string, markerId: string): Promise<void>;
}

/** Below the state directory; each id is the name of an empty file in a folder of its repository, so that processes and threads may write at
 *  once, and no stop leaves anything half. A state directory that is lost or read-only costs the memory, and never a session.
 *  @param stateDirectory null: nothing is remembered */
export function seenMarkers(stateDirectory: string | null): SeenMarkers {
  if (stateDirectory === null) return { of: async () => [], add: async () => undefined };
  const folderOf = (repositoryId: string) => join(stateDirectory, FOLDER, repositoryId);
  return {
    async of(repositoryId) {
      return readdir(folderOf(repositoryId)).catch(() => []);
    },
    async add(repositoryId, markerId) {
      const folder = folderOf(repositoryId);
      await remember(stateDirectory, folder, join(folder, markerId)).catch(() => undefined);
    },
  };
}

const FOLDER = 'repositories';

async function remember(stateDirectory: string, folder: string, path: string): Promise<void> {
  // The state directory itself is not made: one that vanished is to be noticed.
  for (const made of [join(stateDirectory, FOLDER), folder])
    await mkdir(made).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  const file = await open(path, 'a');
  await file.close();
  for (const changed of [folder, join(stateDirectory, FOLDER), stateDirectory])
    await syncFolder(changed);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
