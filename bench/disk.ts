import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDurable, runProgram } from './commands.js';
import { noise } from './test-data.js';

const PROBE_MIB = 256;
const QUIET_MS = 200;
const LONGEST_WAIT_MS = 10_000;

/** What the disk below the folder takes just now when it is written around the page cache, MiB/s: no tool can be faster for long.
 *  A disk that is shared changes within minutes. */
export async function diskSpeed(folder: string): Promise<number> {
  const content = join(folder, 'speed.in');
  const output = join(folder, 'speed.out');
  await rm(output, { force: true });
  if ((await stat(content).catch(() => null)) === null) {
    await writeFile(content, noise('speed', PROBE_MIB * 1024 * 1024));
    await makeDurable(content);
  }
  const args = [`if=${content}`, `of=${output}`, 'bs=16M', 'oflag=direct', 'conv=fsync'];
  const startedAtMs = performance.now();
  await runProgram('dd', ...args);
  const seconds = (performance.now() - startedAtMs) / 1000;
  await rm(output);
  return PROBE_MIB / seconds;
}

/** Waits until everything is written out and no disk has had anything to do for a moment. */
export async function settleDisk(): Promise<void> {
  await runProgram('sync');
  const deadline = performance.now() + LONGEST_WAIT_MS;
  for (let last = await diskCounters(); performance.now() < deadline;) {
    await sleep(QUIET_MS);
    const now = await diskCounters();
    if (now === last) return;
    last = now;
  }
}

/** Counters of all block devices (Linux, Documentation/admin-guide/iostats.rst); empty elsewhere. */
async function diskCounters(): Promise<string> {
  const lines = (await readFile('/proc/diskstats', 'utf8').catch(() => '')).split('\n');
  return lines.filter((line) => !/ (loop|ram|zram)\d/.test(line)).join('\n');
}
