import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { targetLayersOf } from '../../../src/mover/copy/scan-plan.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { InProcessMover } from '../mover/in-process-mover.js';

export interface ChainUnderTest {
  readonly repository: BackupRepository;
  readonly jobId: string;
  readonly workloadId: string;
}

/** Points that the commit record shows, oldest first. */
export async function pointsOf({
  repository,
  jobId,
  workloadId,
}: ChainUnderTest): Promise<TargetRestorePoint[]> {
  const record = await readChainRecord(repository, chainFolder(jobId, workloadId));
  return record === null ? [] : availablePoints(record);
}

/** Reads every point of a chain whole. @returns ids of those that do not show what `truth` says they must */
export async function wrongPoints(
  chain: ChainUnderTest,
  truth: (point: TargetRestorePoint) => Buffer,
): Promise<string[]> {
  const { repository } = chain;
  const folder = chainFolder(chain.jobId, chain.workloadId);
  const record = (await readChainRecord(repository, folder))!;
  const context = new InProcessMover(repository).context();
  const wrong: string[] = [];
  for (const point of availablePoints(record)) {
    const expected = truth(point);
    const place = { targetRepositoryId: repository.id, chain: folder };
    const layers = targetLayersOf(record, place, point.id, point.disks[0]!.disk);
    const stack = await ImageStack.open(context, layers);
    const shown = Buffer.alloc(expected.length);
    await stack.read(shown, 0);
    const isSame = stack.virtualSizeBytes === expected.length && shown.equals(expected);
    if (!isSame || point.disks.length !== 1) wrong.push(point.id);
    await stack.close();
  }
  return wrong;
}
