import { stagingFolder } from '../../../src/chain/chain-paths.js';
import type { PlanCopyInput, PlanCopyOutcome } from '../../../src/mover/copy/plan-copy.js';
import type { MachineCopy } from './copied-machine.js';

/** The steps of the copy of one source point, as a task takes them. */

export const COPIED_AT = '2026-11-07T22:00:00.000Z';

/** Ways to find what a copy has to hold. */
export const LINEAGE = { kind: 'increment', changedBy: 'lineage' } as const;
export const DIGEST = { kind: 'increment', changedBy: 'digest' } as const;
export const FULL = { kind: 'full', changedBy: 'all' } as const;

export type Order = Partial<PlanCopyInput>;

export function plan(copy: MachineCopy, point: number, order: Order): Promise<PlanCopyOutcome> {
  const { targetRepositoryId, chain, epoch } = copy.input;
  return copy.mover.run('planCopy', {
    ...{ targetRepositoryId, chain, epoch, sourceRepositoryId: 'primary' },
    ...{
      workloadId: copy.machine.before.workload.id,
      restorePointId: copy.machine.sourceId(point),
    },
    ...LINEAGE,
    lineageFrom:
      order.changedBy === undefined || order.changedBy === 'lineage'
        ? copy.machine.sourceId(3)
        : null,
    ...{ digest: 'sha256', verifyAfterCopy: 'cached' },
    ...order,
  });
}

export function place(copy: MachineCopy, { pointId, reference }: PlanCopyOutcome) {
  const staging = stagingFolder(copy.machine.chain, pointId);
  return { targetRepositoryId: 'offsite', staging, reference };
}

export async function runWindows(
  copy: MachineCopy,
  name: 'copyBlocks' | 'scanBlocks',
  planned: PlanCopyOutcome,
): Promise<void> {
  for (const { disk, windowCount, firstOpenWindow: first } of planned.disks)
    await copy.mover.runWindows(name, { ...place(copy, planned), disk }, [
      { first, count: windowCount - first },
    ]);
}

/** Compares first where that is asked for. */
async function planned(copy: MachineCopy, point: number, order: Order) {
  const first = await plan(copy, point, order);
  if (first.state === 'ready') return first;
  await runWindows(copy, 'scanBlocks', first);
  const second = await plan(copy, point, order);
  if (second.state !== 'ready') throw new Error('compared twice');
  return second;
}

export function commit(copy: MachineCopy, outcome: PlanCopyOutcome) {
  const { pointId } = outcome;
  const input = {
    ...place(copy, outcome),
    chain: copy.machine.chain,
    pointId,
    copiedAt: COPIED_AT,
  };
  return copy.mover.run('commitRestorePoint', { ...input, flags: ['weekly'] });
}

export async function copyPoint(copy: MachineCopy, point: number, order: Order) {
  const outcome = await planned(copy, point, order);
  await runWindows(copy, 'copyBlocks', outcome);
  await copy.mover.run('composeTargetFile', place(copy, outcome));
  return { outcome, point: await commit(copy, outcome) };
}
