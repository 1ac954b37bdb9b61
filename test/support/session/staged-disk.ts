import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TestSite } from './test-site.js';
import { until } from './until.js';

export const WINDOW_BYTES = 8 * 1024 * 1024;
/** 128 digests and a seal. */
const RECORD_BYTES = 128 * 32 + 16;
const SEAL_BYTES = 16;

/** How far a copy is, as the files of its staging folder tell (docs/FORMAT.md, Staging). */
interface StagedDisk {
  /** Windows of 8 MiB whose data are durable. */
  readonly doneWindows: number;
  /** Room that the staged image takes on disk. */
  readonly allocatedBytes: number;
}

/** Data that was written but is not vouched for: what the next attempt copies again. */
export function copiedTwiceBytes({ doneWindows, allocatedBytes }: StagedDisk): number {
  return Math.max(0, allocatedBytes - doneWindows * WINDOW_BYTES);
}

/** The disk that is being copied in the chains of `jobId`; null when none is staged.
 *  @param workload part of the name of the chain's folder, where several are copied at once */
export async function stagedDisk(
  site: TestSite,
  jobId: string,
  workload = '',
): Promise<StagedDisk | null> {
  const job = site.path('offsite', jobId);
  const files = await readdir(job, { recursive: true }).catch(() => []);
  const journal = files.find((path) => path.includes(workload) && path.endsWith('.journal'));
  if (journal === undefined) return null;
  const disk = basename(journal, '.journal');
  const image = join(job, journal, '..', '..', 'point', `${disk}.qcow2`);
  try {
    const records = await readFile(join(job, journal));
    const { blocks } = await stat(image);
    return { doneWindows: sealCount(records), allocatedBytes: blocks * 512 };
  } catch {
    return null; // committed while it was looked at
  }
}

function sealCount(records: Buffer): number {
  let count = 0;
  for (let end = RECORD_BYTES; end <= records.length; end += RECORD_BYTES)
    if (records.subarray(end - SEAL_BYTES, end).some((byte) => byte !== 0)) count++;
  return count;
}

/** Waits until at least so many windows are durable. */
export async function waitForWindows(
  site: TestSite,
  jobId: string,
  doneWindows: number,
): Promise<void> {
  await until(async () => {
    const staged = await stagedDisk(site, jobId);
    return (staged?.doneWindows ?? 0) >= doneWindows;
  }, 60_000);
}
