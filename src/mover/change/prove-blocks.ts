import type { ChainPlace } from '../../chain/chain-place.js';
import { readDigestTableHeader } from '../../chain/digests/digest-table.js';
import { BLOCK_BYTES, WINDOW_BLOCKS } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { UnitVerifier } from '../blocks/verify-units.js';
import { windowCountOf } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import type { WindowWorker } from '../task/window-loop.js';

/** A backup file and its digest table, and the windows in which the one is compared with the other. */
export interface DiskProof {
  readonly imagePath: string;
  readonly digestsPath: string;
  readonly unitCount: number;
  readonly windowCount: number;
}

export async function proofOf(
  { repository, chain }: ChainPlace,
  { path, digests }: TargetDisk,
): Promise<DiskProof> {
  const digestsPath = `${chain}/${digests.path}`;
  const table = await repository.openRead(digestsPath);
  try {
    const { count: unitCount } = (await readDigestTableHeader(table)).units;
    const windowCount = windowCountOf(unitCount);
    return { imagePath: `${chain}/${path}`, digestsPath, unitCount, windowCount };
  } finally {
    await table.close();
  }
}

/** Proves windows of a backup file to be what was written, before anything is built on them. Leaves no trace: who asks again, proves again.
 *  @throws BLOCK_DIGEST_MISMATCH for the first block of a window that is not */
export async function openProofWorker(
  context: MoverContext,
  input: DiskProof & { readonly targetRepositoryId: string },
): Promise<WindowWorker> {
  const repository = await context.repository(input.targetRepositoryId);
  const verifier = await UnitVerifier.open(repository, input.imagePath, input.digestsPath);
  return {
    async process(window) {
      const first = window * WINDOW_BLOCKS;
      const count = Math.min(WINDOW_BLOCKS, input.unitCount - first);
      const [bad] = await verifier.damagedUnits(first, count);
      if (bad !== undefined) throw badBlock(input.imagePath, verifier.units.rangeOf(bad).offset);
      context.control.add('readBytes', count * BLOCK_BYTES);
      return () => Promise.resolve();
    },
    sync: () => Promise.resolve(),
    close: () => verifier.close(),
  };
}

function badBlock(path: string, offset: number): BackupError {
  return new BackupError(
    'BLOCK_DIGEST_MISMATCH',
    `${path}: the block at byte ${offset} does not have its digest, or cannot be read`,
    { details: { path, offset } },
  );
}
