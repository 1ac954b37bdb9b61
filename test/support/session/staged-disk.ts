import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { vi } from 'vitest';
import type { TestSite } from './test-site.js';

export const WINDOW_BYTES = 8 * 1024 * 1024;
const SEAL_BYTES = 32;

/** How far a copy is, as the files of its staging folder tell (docs/FORMAT.md, Staging). */
export interface StagedDisk {
  /** Windows of 8 MiB whose data are durable. */
  readonly doneWindows: number;
  /** Room that the staged image takes on disk. */
  readonly allocatedBytes: number;
}

/** Data that was written but is not vouched for: what the next attempt copies again. */
export function copiedTwiceBytes({ doneWindows, allocatedBytes }: StagedDisk): number {
  return Math.max(0, allocatedBytes - doneWindows * WINDOW_BYTES);
}

/** The disk that is being copied in the chains of `jobId`; null when none is staged. */
export async function stagedDisk(site: TestSite, jobId: string): Promise<StagedDisk | null> {
  const job = site.path('offsite', jobId);
  const files = await readdir(job, { recursive: true }).catch(() => []);
  const cursor = files.find((path) => path.endsWith('.cursor'));
  if (cursor === undefined) return null;
  const disk = basename(cursor, '.cursor');
  const image = join(job, cursor, '..', '..', 'point', `${disk}.qcow2`);
  try {
    const seals = await readFile(join(job, cursor));
    const { blocks } = await stat(image);
    return { doneWindows: sealCount(seals), allocatedBytes: blocks * 512 };
  } catch {
    return null; // committed while it was looked at
  }
}

function sealCount(seals: Buffer): number {
  let count = 0;
  for (let at = 0; at + SEAL_BYTES <= seals.length; at += SEAL_BYTES)
    if (seals.subarray(at, at + SEAL_BYTES).some((byte) => byte !== 0)) count++;
  return count;
}

/** Waits until at least so many windows are durable. */
export async function waitForWindows(
  site: TestSite,
  jobId: string,
  doneWindows: number,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const staged = await stagedDisk(site, jobId);
      if ((staged?.doneWindows ?? 0) < doneWindows)
        throw new Error(`${staged?.doneWindows ?? 'no'} windows are done`);
    },
    { timeout: 60_000, interval: 5 },
  );
}
