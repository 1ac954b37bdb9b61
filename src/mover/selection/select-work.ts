import { availablePoints } from '../../chain/chain-record.js';
import { ownedChainRecord, readChainRecord } from '../../chain/chain-store.js';
import { withBelievedDates } from '../../domain/believed-dates.js';
import type { CopyJob, RestorePointScope } from '../../domain/copy-job.js';
import { gfsDue } from '../../domain/gfs.js';
import {
  detectRecreatedChain,
  type ChainDetection,
  type ComparedRestorePoint,
} from '../../domain/recreated-chain.js';
import {
  selectRestorePoints,
  type RestorePointSelection,
} from '../../domain/select-restore-points.js';
import { compareWithCopied, type CompareInput } from './compare-with-copied.js';
import type { SourceWorkload } from '../../domain/restore-point.js';
import {
  awaitedPoints,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../../domain/settle.js';
import type { TargetRestorePoint } from '../../domain/target-point.js';
import type { MoverContext } from '../task/mover-context.js';
import { findSourceWorkload } from '../source/source-catalogue.js';

export interface SelectWorkInput extends CompareInput {
  /** null: only a look; the chain may not exist yet. */
  readonly epoch: number | null;
  readonly workloadId: string;
  /** `SourceWorkload.folders` of the look that the work goes by; absent: looked for everywhere. */
  readonly sourceFolders?: readonly string[];
  /** Absent: what is there is taken for whole. */
  readonly settle?: SettleRule;
}

/** How the source's restore points relate to what was copied. @throws WORKLOAD_MISSING, REPOSITORY_UNREACHABLE */
export async function detectChain(
  context: MoverContext,
  input: SelectWorkInput,
): Promise<ChainDetection> {
  const { copied, current, isCopiedChain } = await compared(context, input);
  return detectRecreatedChain({ copied, current, isCopiedChain });
}

/** The restore points to copy now, at most `MAX_SELECTED`: a longer backlog is taken up by the next round. */
export async function selectWork(
  context: MoverContext,
  input: SelectWorkInput & {
    readonly job: Pick<CopyJob, 'mode' | 'gfs' | 'timeZone'>;
    readonly scope: RestorePointScope;
    readonly activeFull: boolean;
    readonly detection: ChainDetection;
  },
): Promise<RestorePointSelection> {
  const { copied, current, awaited } = await compared(context, input);
  const { job, scope, detection, targetRepositoryId, sourceRepositoryId } = input;
  const select = (activeFull: boolean) =>
    selectRestorePoints({
      job: { mode: job.mode, restorePoints: scope },
      current,
      copied,
      detection,
      targetRepositoryId,
      sourceRepositoryId,
      activeFull,
      awaited,
    });
  let selection = select(input.activeFull);
  const first = current.find(({ id }) => id === selection.points[0]?.restorePointId);
  if (first !== undefined && isActiveFullDue(job, copied, first.createdAtMs))
    selection = select(true);
  return {
    ...selection,
    points: selection.points.slice(0, MAX_SELECTED),
    skipped: selection.skipped.slice(0, MAX_SELECTED),
    awaited: selection.awaited.slice(-MAX_AWAITED),
  };
}

/** With method `active` the full of a GFS day is read from the source. */
function isActiveFullDue(
  job: Pick<CopyJob, 'mode' | 'gfs' | 'timeZone'>,
  points: readonly TargetRestorePoint[],
  createdAtMs: number,
): boolean {
  if (job.gfs?.fullMethod !== 'active') return false;
  const { gfs, mode } = job;
  const dated = withBelievedDates(points);
  return gfsDue({ gfs, mode, timeZone: job.timeZone, createdAtMs, points: dated }).length > 0;
}

/** Keeps the answer below 100 KiB. */
const MAX_SELECTED = 200;
/** The newest ones: a tool writes at the end. */
const MAX_AWAITED = 20;

async function compared(
  context: MoverContext,
  input: SelectWorkInput,
): Promise<{
  copied: ReturnType<typeof availablePoints>;
  current: ComparedRestorePoint[];
  isCopiedChain: boolean;
  awaited: AwaitedPoint[];
}> {
  const source = await context.repository(input.sourceRepositoryId);
  const target = await context.repository(input.targetRepositoryId);
  const found = await findSourceWorkload(source, input.workloadId, input.sourceFolders);
  const { settle = NOTHING_AWAITED } = input;
  const workload = { ...found, restorePoints: settlePoints(found.restorePoints, settle) };
  const awaited = awaitedPoints(workload.restorePoints, settle);
  const record =
    input.epoch === null
      ? await readChainRecord(target, input.chain)
      : await ownedChainRecord(target, input.chain, input.epoch);
  const isCopiedChain = workload.isCopiedChain === true;
  if (record === null)
    return { copied: [], current: neverCopied(workload), isCopiedChain, awaited };
  const current = await compareWithCopied(context, input, workload, record);
  return { copied: availablePoints(record), current, isCopiedChain, awaited };
}

const NOTHING_AWAITED: SettleRule = { nowMs: 0, settleMs: 0 };

function neverCopied(workload: SourceWorkload): ComparedRestorePoint[] {
  return workload.restorePoints.map((point) => ({
    ...point,
    sameContentAs: [],
    contentDiffersFrom: [],
  }));
}
