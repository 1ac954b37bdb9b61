import { availablePoints } from '../chain/chain-record.js';
import { ownedChainRecord } from '../chain/chain-store.js';
import type { CopyMode, RestorePointScope } from '../domain/copy-job.js';
import {
  detectRecreatedChain,
  type ChainDetection,
  type ComparedRestorePoint,
} from '../domain/recreated-chain.js';
import {
  selectRestorePoints,
  type RestorePointSelection,
} from '../domain/select-restore-points.js';
import { compareWithCopied, type CompareInput } from './compare-with-copied.js';
import type { MoverContext } from './mover-context.js';
import { findSourceWorkload } from './source-catalogue.js';

export interface SelectWorkInput extends CompareInput {
  readonly epoch: number;
  readonly workloadId: string;
}

/** How the source's restore points relate to what was copied. @throws WORKLOAD_MISSING, REPOSITORY_UNREACHABLE */
export async function detectChain(
  context: MoverContext,
  input: SelectWorkInput,
): Promise<ChainDetection> {
  const { copied, current } = await compared(context, input);
  return detectRecreatedChain({ copied, current });
}

/** The restore points to copy now, at most `MAX_SELECTED`: a longer backlog is taken up by the next round. */
export async function selectWork(
  context: MoverContext,
  input: SelectWorkInput & {
    readonly mode: CopyMode;
    readonly restorePoints: RestorePointScope;
    readonly activeFull: boolean;
    readonly detection: ChainDetection;
  },
): Promise<RestorePointSelection> {
  const { copied, current } = await compared(context, input);
  const selection = selectRestorePoints({
    job: { mode: input.mode, restorePoints: input.restorePoints },
    current,
    copied,
    detection: input.detection,
    targetRepositoryId: input.targetRepositoryId,
    sourceRepositoryId: input.sourceRepositoryId,
    activeFull: input.activeFull,
  });
  return {
    ...selection,
    points: selection.points.slice(0, MAX_SELECTED),
    skipped: selection.skipped.slice(0, MAX_SELECTED),
  };
}

/** Keeps the answer below 100 KiB. */
const MAX_SELECTED = 200;

async function compared(
  context: MoverContext,
  input: SelectWorkInput,
): Promise<{
  copied: ReturnType<typeof availablePoints>;
  current: ComparedRestorePoint[];
}> {
  const source = await context.repository(input.sourceRepositoryId);
  const target = await context.repository(input.targetRepositoryId);
  const workload = await findSourceWorkload(source, input.workloadId);
  const record = await ownedChainRecord(target, input.chain, input.epoch);
  const current = await compareWithCopied(context, input, workload, record);
  return { copied: availablePoints(record), current };
}
