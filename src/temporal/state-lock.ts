import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../domain/errors.js';
import type { ProcessIdentity } from './process-identity.js';
import { identifyProcess, isRunning, parseProcessIdentity } from './process-identity.js';

const LOCK_NAME = /^serve\.(\d+)\.lock$/;

export interface StateLock {
  /** Why the state directory is not what it was when it was locked: it vanished, cannot be written to, or another one is in its place; null: it
   *  is. STATE_DIRECTORY_LOST. Never rejects. */
  fault(): Promise<BackupError | null>;
  /** Idempotent. Without its directory there is nothing to release. */
  release(): Promise<void>;
}

/** Makes this process the only `serve` of a state directory, which is created if need be: a second Temporal server on the same
 *  file would start without complaint. Pid and start time tell whether a holder still runs, so the lock of a killed process is
 *  taken over and a reused pid does not hold it. Processes in another pid namespace (containers that share the directory)
 *  are not seen.
 *
 *  Locks are numbered, and the highest number counts: `serve.<n>.lock` holds the identity of its process, or `null` when
 *  released. Whoever finds the highest one dead creates the next number, which succeeds for one process alone. The highest
 *  is never deleted, so one that comes late with an old number sees a higher one and gives way.
 *  @throws STATE_DIRECTORY_UNUSABLE when it cannot be made, read or written; STATE_DIRECTORY_LOCKED while another process holds it, or this one already does. */
export async function lockStateDirectory(stateDirectory: string): Promise<StateLock> {
  try {
    return await lock(stateDirectory);
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new BackupError(
      'STATE_DIRECTORY_UNUSABLE',
      `The state directory ${stateDirectory} cannot be used: ${cause.message}.`,
      { details: { stateDirectory }, cause },
    );
  }
}

async function lock(stateDirectory: string): Promise<StateLock> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const self = await identifyProcess(process.pid);
  for (;;) {
    const highest = await highestNumber(stateDirectory);
    const holder = await readHolder(stateDirectory, highest);
    if (holder !== null && (await isRunning(holder))) throw lockedBy(holder, stateDirectory);
    const own = highest + 1;
    if (!(await create(stateDirectory, own, self))) continue;
    if ((await highestNumber(stateDirectory)) === own) {
      await rm(lockPath(stateDirectory, highest), { force: true });
      return heldLock(stateDirectory, own);
    }
    await rm(lockPath(stateDirectory, own), { force: true });
  }
}

async function heldLock(stateDirectory: string, number: number): Promise<StateLock> {
  const path = lockPath(stateDirectory, number);
  const { ino, dev } = await stat(path);
  const fault = async (): Promise<BackupError | null> => {
    try {
      await access(stateDirectory, constants.W_OK);
      const now = await stat(path);
      return now.ino === ino && now.dev === dev
        ? null
        : lost(stateDirectory, 'another one is there');
    } catch (cause) {
      return lost(stateDirectory, cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
  return {
    fault,
    release: async () => {
      if (await isGone(stateDirectory)) return;
      await replace(stateDirectory, number, null);
    },
  };
}

async function isGone(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error.code);
  return found === 'ENOENT';
}

function lost(stateDirectory: string, why: string, cause?: unknown): BackupError {
  return new BackupError(
    'STATE_DIRECTORY_LOST',
    `The state directory ${stateDirectory} is not usable any more: ${why}.`,
    { details: { stateDirectory }, cause },
  );
}

/** 0: there was never a lock. */
async function highestNumber(stateDirectory: string): Promise<number> {
  const names = await readdir(stateDirectory);
  return Math.max(0, ...names.map((name) => Number(LOCK_NAME.exec(name)?.[1] ?? 0)));
}

async function readHolder(stateDirectory: string, number: number): Promise<ProcessIdentity | null> {
  try {
    const text = await readFile(lockPath(stateDirectory, number), 'utf8');
    return parseProcessIdentity(JSON.parse(text));
  } catch {
    return null;
  }
}

/** false: the number is taken. The file appears with its whole content, so that nobody reads a half-written lock. */
async function create(
  stateDirectory: string,
  number: number,
  holder: ProcessIdentity | null,
): Promise<boolean> {
  const draft = await writeDraft(stateDirectory, holder);
  try {
    await link(draft, lockPath(stateDirectory, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replace(
  stateDirectory: string,
  number: number,
  holder: ProcessIdentity | null,
): Promise<void> {
  await rename(await writeDraft(stateDirectory, holder), lockPath(stateDirectory, number));
}

async function writeDraft(stateDirectory: string, holder: ProcessIdentity | null): Promise<string> {
  const draft = join(stateDirectory, `serve.${randomUUID()}.draft`);
  await writeFile(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  return draft;
}

function lockPath(stateDirectory: string, number: number): string {
  return join(stateDirectory, `serve.${number}.lock`);
}

function lockedBy(holder: ProcessIdentity, stateDirectory: string): BackupError {
  return new BackupError(
    'STATE_DIRECTORY_LOCKED',
    `Process ${holder.pid} serves from the state directory ${stateDirectory} already.`,
    { details: { stateDirectory, pid: holder.pid } },
  );
}
