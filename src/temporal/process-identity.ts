import { readFile } from 'node:fs/promises';

/** One process, told apart from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot id and start time in clock ticks (proc(5), `/proc/<pid>/stat`, field 22); null where there is no `/proc`. */
  readonly startedAt: string | null;
}

/** Identity of a running process; null when no process has this pid. A zombie counts as gone. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  if (!hasProcess(pid)) return null;
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null);
  if (bootId === null) return { pid, startedAt: null };
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return null;
  const ticks = rest[18];
  return { pid, startedAt: ticks === undefined ? null : `${bootId.trim()}/${ticks}` };
}

/** Whether exactly this process still runs. Without a start time the pid alone decides. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const current = await identifyProcess(identity.pid);
  if (current === null) return false;
  return identity.startedAt === null || current.startedAt === identity.startedAt;
}

/** Parses what `JSON.stringify` made of an identity; null for anything else. */
export function parseProcessIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== 'object' || value === null) return null;
  const { pid, startedAt } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, startedAt: typeof startedAt === 'string' ? startedAt : null };
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
