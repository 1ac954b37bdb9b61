import { readFile } from 'node:fs/promises';

/** Most memory that this process held at once, in MiB. Not `maxRSS` where it can be helped: there Linux counts what the parent held when
 *  it started the process. */
export async function peakMemoryMiB(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const highWaterKiB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(highWaterKiB ?? process.resourceUsage().maxRSS) / 1024;
}
