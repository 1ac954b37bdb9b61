import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BackupError } from '../../../src/domain/errors.js';
import { identifyProcess, isRunning } from '../../../src/temporal/process-identity.js';
import { lockStateDirectory } from '../../../src/temporal/state-lock.js';

/** A moment between the look at the locks and the creation of an own one. */
const beforeLink = vi.hoisted(() => ({ run: (): Promise<void> => Promise.resolve() }));
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const link: typeof fs.link = async (from, to) => {
    await beforeLink.run();
    return fs.link(from, to);
  };
  return { ...fs, link };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-lock-'));
});
afterEach(async () => {
  beforeLink.run = () => Promise.resolve();
  await rm(folder, { recursive: true, force: true });
});

describe('lockStateDirectory', () => {
  it('says in words that a state directory cannot be used', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(lockStateDirectory(join(folder, 'file', 'state'))).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_UNUSABLE',
      message: expect.stringContaining('cannot be used: ENOTDIR'),
    });
  });

  it('refuses a state directory that a living process holds, and names the process', async () => {
    await lockStateDirectory(folder);

    await expect(lockStateDirectory(folder)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_LOCKED',
      details: { stateDirectory: folder, pid: process.pid },
    });
  });

  it('is free again after release, also when released twice', async () => {
    const first = await lockStateDirectory(folder);
    await first.release();
    await first.release();

    await lockStateDirectory(folder);

    expect(await lockHolder()).toBe(process.pid);
  });

  it('notices a state directory that vanished, and one that came in its place', async () => {
    const state = join(folder, 'state');
    const lock = await lockStateDirectory(state);
    expect(await lock.fault()).toBeNull();

    await rename(state, join(folder, 'away'));
    expect(await lock.fault()).toMatchObject({
      code: 'STATE_DIRECTORY_LOST',
      message: expect.stringContaining(`${state} is not usable any more: ENOENT`),
    });
    await lock.release();

    await lockStateDirectory(state);
    expect(await lock.fault()).toMatchObject({
      message: expect.stringContaining('another one is there'),
    });

    await rm(state, { recursive: true });
    await rename(join(folder, 'away'), state);
    expect(await lock.fault()).toBeNull();
  });

  it('creates a missing state directory for its owner only', async () => {
    await lockStateDirectory(join(folder, 'deep', 'state'));

    expect((await stat(join(folder, 'deep', 'state'))).mode & 0o777).toBe(0o700);
  });

  it('takes over the lock of a process that was killed', async () => {
    const holder = spawn('sleep', ['60']);
    await once(holder, 'spawn');
    await writeLock(await identifyProcess(holder.pid ?? 0));
    await expect(lockStateDirectory(folder)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_LOCKED',
    });
    holder.kill('SIGKILL');
    await once(holder, 'close');

    await lockStateDirectory(folder);

    expect(await lockHolder()).toBe(process.pid);
  });

  it('takes over a lock whose pid now belongs to a later process', async () => {
    await writeLock({ pid: process.pid, startedAt: 'another-boot/1' });

    await lockStateDirectory(folder);

    expect(await lockHolder()).toBe(process.pid);
  });

  it('takes over a lock that was cut off while it was written', async () => {
    await writeFile(join(folder, 'serve.1.lock'), '{"pi');

    await lockStateDirectory(folder);

    expect(await lockHolder()).toBe(process.pid);
  });

  it('has one winner when many start at once on a dead lock', async () => {
    for (let round = 0; round < 20; round++) {
      await writeLock({ pid: process.pid, startedAt: 'another-boot/1' }, 100 * (round + 1));

      const starts = Array.from({ length: 12 }, () => lockStateDirectory(folder));
      const outcomes = await Promise.all(
        starts.map((start) => start.then(() => 'won').catch((error: BackupError) => error.code)),
      );

      const lost = Array<string>(11).fill('STATE_DIRECTORY_LOCKED');
      expect(outcomes.sort()).toEqual([...lost, 'won']);
    }
  });

  it('gives way to a lock with a higher number that appears after it has looked', async () => {
    await writeLock({ pid: process.pid, startedAt: 'another-boot/1' }, 3);
    const other = await identifyProcess(process.pid);
    beforeLink.run = () => writeLock(other, 9);

    await expect(lockStateDirectory(folder)).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_LOCKED',
    });
    expect((await readdir(folder)).sort()).toEqual(['serve.3.lock', 'serve.9.lock']);
  });

  it('leaves one file behind, however often it changes hands', async () => {
    for (let start = 0; start < 3; start++) await (await lockStateDirectory(folder)).release();

    expect(await readdir(folder)).toEqual(['serve.3.lock']);
  });

  async function writeLock(holder: object | null, number = 1): Promise<void> {
    await writeFile(join(folder, `serve.${number}.lock`), JSON.stringify(holder));
  }

  async function lockHolder(): Promise<unknown> {
    const numbers = (await readdir(folder)).map((name) => Number(name.split('.')[1]));
    const path = join(folder, `serve.${Math.max(...numbers)}.lock`);
    const holder = JSON.parse(await readFile(path, 'utf8')) as { pid?: unknown };
    return holder.pid;
  }
});

describe('isRunning', () => {
  it('is true for this process and false for the same pid with another start time', async () => {
    const self = await identifyProcess(process.pid);

    expect(self).toEqual({
      pid: process.pid,
      startedAt: expect.stringMatching(/^[0-9a-f-]{36}\/\d+$/) as string,
    });
    expect(await isRunning(self ?? { pid: 0, startedAt: null })).toBe(true);
    expect(await isRunning({ pid: process.pid, startedAt: 'another-boot/1' })).toBe(false);
  });

  it('is false once the process has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const { pid = 0 } = child;
    const identity = (await identifyProcess(pid)) ?? { pid, startedAt: null };
    expect(await isRunning(identity)).toBe(true);

    child.kill('SIGKILL');
    await once(child, 'close');

    expect(await isRunning(identity)).toBe(false);
  });
});
