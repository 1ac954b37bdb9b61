import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputOf, runProgram } from './commands.js';
import { FIRST_FULL } from './copy-suites.js';
import { MoverProcess } from './mover-process.js';
import { limitGoal, type GoalResult } from './results.js';
import type { SourceChain } from './source-chains.js';

/** Parts of the data that are written when the data mover is killed. */
const KILLED_AT = [0.15, 0.3, 0.5, 0.7, 0.85];
const MAX_TWICE_MIB = 64;
const MIB = 1024 * 1024;

/** Copies a full, kills the process of the data mover on the way, and lets a new one finish. Copied twice is what both wrote together
 *  above what a copy without a kill writes. */
export async function killGoals(folder: string, source: SourceChain): Promise<GoalResult[]> {
  const target = join(folder, 'target');
  await mkdir(target, { recursive: true });
  const wholeBytes = await copyToTheEnd(source, target);
  const goals: GoalResult[] = [];
  for (const part of KILLED_AT) {
    await rm(target, { recursive: true });
    await mkdir(target);
    const killedBytes = await copyUntilKilled(source, target, part * wholeBytes);
    const restartedBytes = await copyToTheEnd(source, target);
    const twiceMiB = (killedBytes + restartedBytes - wholeBytes) / MIB;
    const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`;
    goals.push(
      limitGoal(
        `Copied twice after SIGKILL at ${(part * 100).toFixed(0)} %`,
        twiceMiB,
        MAX_TWICE_MIB,
        'MiB',
        `${mib(killedBytes)} before, ${mib(restartedBytes)} after it, of ${mib(wholeBytes)}`,
      ),
    );
  }
  await rm(target, { recursive: true });
  return goals;
}

/** @returns bytes of the disk that this process wrote */
async function copyToTheEnd(source: SourceChain, target: string): Promise<number> {
  const mover = new MoverProcess(source.folder, target);
  try {
    await mover.do({ type: 'open' });
    await mover.measure(FIRST_FULL);
    const [image] = await mover.images();
    await runProgram('qemu-img', 'compare', '-q', image!, source.files[0]);
    return await mover.transferredBytes();
  } finally {
    await mover.close();
  }
}

/** @returns bytes of the disk that the process had written when it was killed: it cannot tell any more, but its file holds nothing else yet */
async function copyUntilKilled(
  source: SourceChain,
  target: string,
  enoughBytes: number,
): Promise<number> {
  const mover = new MoverProcess(source.folder, target);
  const watch = new AbortController();
  try {
    await mover.do({ type: 'open' });
    const ended = mover.measure(FIRST_FULL).then(() => {
      throw new Error('the copy ended before it could be killed');
    });
    const image = await Promise.race([ended, imageOf(target, enoughBytes, watch.signal)]);
    await mover.kill();
    return await dataBytes(image);
  } finally {
    watch.abort();
    await mover.kill();
  }
}

/** Path of the image that is being written in the folder, as soon as it takes so much room. */
async function imageOf(folder: string, enoughBytes: number, signal: AbortSignal): Promise<string> {
  for (;;) {
    const names = await readdir(folder, { recursive: true });
    const name = names.find((each) => each.endsWith('.qcow2'));
    if (name !== undefined) {
      const path = join(folder, name);
      if ((await stat(path)).blocks * 512 >= enoughBytes) return path;
    }
    await sleep(1, undefined, { signal });
  }
}

/** Bytes of a file that are not holes. */
export async function dataBytes(path: string): Promise<number> {
  const map = await outputOf('qemu-img', 'map', '--output=json', '-f', 'raw', path);
  const extents = JSON.parse(map) as { length: number; data: boolean }[];
  return extents.reduce((sum, { length, data }) => sum + (data ? length : 0), 0);
}
