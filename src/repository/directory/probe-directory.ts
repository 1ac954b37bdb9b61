import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError, isStorageFault } from '../../domain/errors.js';
import { judgeStorage, NEEDED_NAME_BYTES } from '../../domain/targets/storage-probe.js';
import type {
  FolderSync,
  StorageAbilities,
  StorageProbe,
} from '../../domain/targets/storage-probe.js';
import type { FolderRepository, WritableFile } from '../backup-repository.js';
import { foldingOf } from '../folded-names.js';
import { MAX_SEGMENT_BYTES, OWN_FOLDER } from '../repository-path.js';

/** Behind it a hole of 1 MiB, more than any file system's block. */
const HOLE_BYTES = 1024 ** 2;
const WRITTEN = Buffer.from('longhaul probes this storage');
/** Writes whose times are compared. */
const TIMED_WRITES = 5;
const TIME_STEPS_NS = [2_000_000_000, 1_000_000_000, 10_000_000, 1_000_000, 1_000, 100];

/** Tries on the storage itself what a target needs of it, in a folder of its own that is removed again.
 *  @param options.rootPath where the repository's files lie, to see the room that they take
 *  @throws what says nothing about abilities: REPOSITORY_UNREACHABLE, REPOSITORY_FULL, REPOSITORY_READ_ONLY, REPOSITORY_ACCESS_DENIED */
export async function probeStorage(
  repository: FolderRepository,
  options: {
    readonly rootPath: string;
    readonly folderSync: FolderSync;
    readonly now: () => number;
  },
): Promise<StorageProbe> {
  const folder = `${OWN_FOLDER}/probe-${randomUUID()}`;
  await repository.makeFolder(folder);
  try {
    const abilities = await abilitiesOf(repository, folder, options.rootPath);
    return {
      probedAt: new Date(options.now()).toISOString(),
      abilities,
      ...judgeStorage(abilities, options.folderSync),
    };
  } finally {
    await clear(repository, folder);
  }
}

async function abilitiesOf(
  repository: FolderRepository,
  folder: string,
  rootPath: string,
): Promise<StorageAbilities> {
  const path = `${folder}/file`;
  return {
    ...(await fileAbilities(repository, path)),
    sparseFiles: await isSparse(join(rootPath, path)),
    renameOver: await can(async () => {
      await writeFile(repository, `${folder}/other`, async () => undefined);
      await repository.rename(`${folder}/other`, path);
    }),
    folderSync: await can(() => repository.syncFolder(folder)),
    ...(await foldingOf(repository, folder)),
    modifiedTimeStepNs: await timeStepNs(repository, `${folder}/times`),
    longestNameBytes: await longestName(repository, folder),
  };
}

async function fileAbilities(
  repository: FolderRepository,
  path: string,
): Promise<Pick<StorageAbilities, 'readAfterWrite' | 'fileSync'>> {
  let fileSync = true;
  await writeFile(repository, path, async (file) => {
    fileSync = await can(() => file.sync());
  });
  const expected = Buffer.concat([Buffer.alloc(HOLE_BYTES), WRITTEN]);
  const found = Buffer.alloc(expected.length + 1);
  const file = await repository.openRead(path);
  try {
    const length = await file.read(found, 0);
    return { readAfterWrite: found.subarray(0, length).equals(expected), fileSync };
  } finally {
    await file.close();
  }
}

async function writeFile(
  repository: FolderRepository,
  path: string,
  then: (file: WritableFile) => Promise<void>,
): Promise<void> {
  const file = await repository.openWrite(path, 'open-or-new');
  try {
    await file.write(WRITTEN, HOLE_BYTES);
    await then(file);
  } finally {
    await file.close();
  }
}

/** null: it does not count blocks. */
async function isSparse(absolutePath: string): Promise<boolean | null> {
  const { blocks } = await stat(absolutePath);
  return blocks === 0 ? null : blocks * 512 < HOLE_BYTES;
}

/** The largest of the known steps that divides the times of several writes. */
async function timeStepNs(repository: FolderRepository, path: string): Promise<number> {
  const times: bigint[] = [];
  for (let write = 0; write < TIMED_WRITES; write += 1)
    await writeFile(repository, path, async (file) => {
      times.push(BigInt((await file.stamp()).modifiedAtNs));
    });
  return TIME_STEPS_NS.find((step) => times.every((time) => time % BigInt(step) === 0n)) ?? 1;
}

async function longestName(repository: FolderRepository, folder: string): Promise<number> {
  for (const length of [MAX_SEGMENT_BYTES, NEEDED_NAME_BYTES, 143]) {
    const path = `${folder}/${'n'.repeat(length)}`;
    if (await can(async () => (await repository.openWrite(path, 'new')).close())) return length;
  }
  return 0;
}

/** false: the storage says that it never will. */
async function can(step: () => Promise<void>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    const isFinal = isBackupError(error, 'REPOSITORY_UNSUITED') || isOfName(error);
    if (!isFinal) throw error;
    return false;
  }
}

function isOfName(error: unknown): boolean {
  return isBackupError(error, 'PATH_FORBIDDEN') || isBackupError(error, 'FILE_EXISTS');
}

/** What cannot be removed is left: a reader passes over it, and the answer of the probe is worth more. */
async function clear(repository: FolderRepository, folder: string): Promise<void> {
  try {
    for (const { path } of await repository.list(folder)) await repository.remove(path);
    await repository.removeFolder(folder);
  } catch (error) {
    if (!isBackupError(error) || !isStorageFault(error)) throw error;
  }
}
