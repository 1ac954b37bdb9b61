import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { checkImage, rawDigest } from '../image/qemu-oracle.js';
import type { SimulatedRepository } from '../repository/simulated-repository.js';

/** Lets qemu-img check and read the files of some points, through the parent links that are stored in them.
 *  @returns ids of those that do not show what `truth` says
 *  @throws when a file is not clean */
export async function wrongPointsToQemu(
  {
    repository,
    jobId,
    workloadId,
  }: { repository: SimulatedRepository; jobId: string; workloadId: string },
  points: readonly TargetRestorePoint[],
  truth: (point: TargetRestorePoint) => Buffer,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-living-'));
  try {
    repository.exportTo(folder);
    const wrong: string[] = [];
    for (const point of points) {
      const file = join(folder, chainFolder(jobId, workloadId), point.disks[0]!.path);
      await checkImage(file);
      const expected = createHash('sha256').update(truth(point)).digest('hex');
      if ((await rawDigest(file)) !== expected) wrong.push(point.id);
    }
    return wrong;
  } finally {
    await rm(folder, { recursive: true });
  }
}
