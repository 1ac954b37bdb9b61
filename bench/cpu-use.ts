import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

/** Processor time since the start, in clock ticks: of the machine and of the processes named. */
interface CpuUse {
  readonly machineTicks: number;
  readonly ownTicks: number;
}

/** @param pids processes that are ours besides this one, with what their ended children used
 *  @returns null where there is no `/proc` */
export async function cpuUse(pids: readonly number[]): Promise<CpuUse | null> {
  try {
    const [total] = (await readFile('/proc/stat', 'utf8')).split('\n');
    const [user, nice, system, , , irq, softirq] = total!.split(/\s+/).slice(1).map(Number);
    let ownTicks = 0;
    for (const pid of [process.pid, ...pids]) {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // Fields behind the name, which may hold spaces: utime, stime, cutime, cstime are 14 to 17 (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      for (const field of fields.slice(11, 15)) ownTicks += Number(field);
    }
    return { machineTicks: user! + nice! + system! + irq! + softirq!, ownTicks };
  } catch {
    return null;
  }
}

const TICKS_PER_SECOND = 100;

/** What was used between two looks. `partOfOthers`: part of the machine that other processes had, 0 to 1. */
export function cpuUsed(
  before: CpuUse | null,
  after: CpuUse | null,
  wallSeconds: number,
): { ownSeconds: number; partOfOthers: number } {
  if (before === null || after === null) return { ownSeconds: 0, partOfOthers: 0 };
  const own = after.ownTicks - before.ownTicks;
  const machine = after.machineTicks - before.machineTicks;
  const possible = wallSeconds * TICKS_PER_SECOND * availableParallelism();
  return {
    ownSeconds: own / TICKS_PER_SECOND,
    partOfOthers: Math.max(0, (machine - own) / possible),
  };
}
