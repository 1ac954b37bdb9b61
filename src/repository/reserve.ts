import { randomBytes } from 'node:crypto';
import { isBackupError } from '../domain/errors.js';
import type { FolderRepository } from './backup-repository.js';
import { OWN_FOLDER } from './repository-path.js';

/** Room that a target keeps for its own records. Retention, and an operator who removes a restore point, write to the record before anything goes: on
 *  storage without a free byte nothing could ever be freed. Pieces of it are given up one by one, and taken again when the record is written. */
const RESERVE_FOLDER = `${OWN_FOLDER}/reserve`;

type Storage = Pick<FolderRepository, 'stat' | 'openWrite' | 'makeFolder' | 'unlink'>;

const PIECES = Array.from({ length: 16 }, (_, number) => `${RESERVE_FOLDER}/${number}`);
const PIECE_BYTES = 256 * 1024;
/** Of one write: what still fits is kept. */
const STEP_BYTES = 16 * 1024;

/** Fills up what is missing of the reserve, as far as there is room. */
export async function keepReserve(storage: Storage): Promise<void> {
  await fillAll(storage, PIECES);
}

/** What `write` gives. Where it finds no room it is done again with a piece of the reserve given up, and another, as long as there are any.
 *  @throws REPOSITORY_FULL when there are none */
export async function withReserve<T>(storage: Storage, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
    return withPieces(storage, write, error);
  }
}

/** What `work` gives, which writes more than one thing. Where it finds no room it is done again, once, with all of the reserve given up: what it writes gives up
 *  single pieces by itself, and work that was repeated for each of these would be repeated very often.
 *  @throws REPOSITORY_FULL when that is not enough */
export async function withWholeReserve<T>(storage: Storage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
    const givenUp: string[] = [];
    try {
      for (const piece of PIECES) if (await giveUp(storage, piece)) givenUp.push(piece);
      if (givenUp.length === 0) throw error;
      return await work();
    } finally {
      await fillAll(storage, givenUp);
    }
  }
}

async function withPieces<T>(storage: Storage, write: () => Promise<T>, full: unknown): Promise<T> {
  const givenUp: string[] = [];
  let last = full;
  try {
    for (const piece of PIECES) {
      if (!(await giveUp(storage, piece))) continue;
      givenUp.push(piece);
      try {
        return await write();
      } catch (error) {
        if (!isBackupError(error, 'REPOSITORY_FULL')) throw error;
        last = error;
      }
    }
    throw last;
  } finally {
    // What replaced a file has left its room.
    await fillAll(storage, givenUp);
  }
}

/** false: there is no such piece; also when another process was faster. */
async function giveUp(storage: Storage, piece: string): Promise<boolean> {
  try {
    await storage.unlink(piece);
    return true;
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return false;
    throw error;
  }
}

/** As far as there is room. */
async function fillAll(storage: Storage, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) if (!(await fill(storage, piece))) return;
}

/** false: there is no room for all of it. Of random bytes, which storage that compresses cannot make smaller. */
async function fill(storage: Storage, piece: string): Promise<boolean> {
  try {
    if ((await storage.stat(piece))?.stamp.sizeBytes === PIECE_BYTES) return true;
    await storage.makeFolder(RESERVE_FOLDER);
    const file = await storage.openWrite(piece, 'open-or-new');
    try {
      let { sizeBytes } = await file.stamp();
      for (; sizeBytes < PIECE_BYTES; sizeBytes += STEP_BYTES)
        await file.write(randomBytes(Math.min(STEP_BYTES, PIECE_BYTES - sizeBytes)), sizeBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    // It is a help, and no reason to fail.
    if (isBackupError(error)) return false;
    throw error;
  }
}
