import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord, readChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import type { CopyJob, RestorePointScope } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { makesFullsOnly } from '../../domain/sources/fulls-only.js';
import { detectRecreatedChain, type ChainDetection } from '../../domain/sources/recreated-chain.js';
import { staleWarnings } from '../../domain/sources/missed-point.js';
import {
  isCopiedAndTouched,
  isLaterThanCopy,
  lackOfNewest,
  selectRestorePoints,
  type RestorePointSelection,
} from '../../domain/sources/select-restore-points.js';
import {
  awaitedPoints,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../../domain/sources/settle.js';
import { isDoubtNew } from '../../domain/sources/one-workload.js';
import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import {
  isKnownAndChanged,
  shortText,
  type IdentifiedPoint,
} from '../../domain/sources/source-identity.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import { counted } from '../../domain/sentences.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import type { CopyPlace } from '../source/copy-place.js';
import { fullFormatsOf } from '../source/full-formats.js';
import { rememberLook, sourceWorkload } from '../source/source-catalogue.js';
import { formerDiskText } from './former-disk.js';
import { lateCompanions } from './late-companions.js';
import { identifiedPoints, toldRecord } from '../source/source-points.js';

interface SelectWorkInput extends CopyPlace {
  /** null: only a look; the chain may not exist yet. */
  readonly epoch: number | null;
  /** Absent: what is there is taken for whole. */
  readonly settle?: SettleRule;
}

/** Where a workload stands: what of its source is copied, as far as that is proven, and what is to be copied now. */
interface FoundWork {
  readonly detection: ChainDetection;
  /** Provisional while `detection.toCompare` names anything. */
  readonly selection: SelectedWork;
  /** For `planCopy` of the selected points; null: each is looked at anew. */
  readonly lookId: string | null;
  /** For `planCopy`, too: whether new points are left out for good. Otherwise all that are new are selected. */
  readonly passesOver: boolean;
  /** For the first look to tell: `lateCompanions`, among the warnings of `detection`, too, where nothing was copied before `formerDiskText`, and a doubt that
   *  is not new. */
  readonly told: readonly string[];
  /** For the end of the task, which a later look does not find any more: a doubt that is new to the chain. Absent: there is none. */
  readonly newDoubt?: string;
}

/** At most `MAX_SELECTED` restore points: a longer backlog is taken up by the next round. */
interface SelectedWork extends RestorePointSelection {
  /** Selected ones that `points` has no room for. */
  readonly morePoints: number;
}

interface Identified {
  readonly judged: SourceWorkload;
  readonly copied: TargetRestorePoint[];
  readonly current: IdentifiedPoint[];
  readonly awaited: AwaitedPoint[];
}

/** Finds the restore points to copy now, in one look at the source. Reads no data.
 *  @throws WORKLOAD_MISSING, REPOSITORY_UNREACHABLE */
export async function selectWork(
  context: MoverContext,
  input: SelectWorkInput & {
    readonly job: Pick<CopyJob, 'id' | 'mode' | 'gfs' | 'timeZone' | 'once'>;
    readonly scope: RestorePointScope;
    readonly activeFull: boolean;
  },
): Promise<FoundWork> {
  const { judged, copied, current, awaited } = await identified(context, input, input.job.once);
  const { job, scope, targetRepositoryId, sourceRepositoryId, activeFull } = input;
  const { nowMs } = input.settle ?? NOTHING_AWAITED;
  const fullFormats = fullFormatsOf(current);
  const detection = detectRecreatedChain({
    copied,
    current,
    isCopiedChain: judged.isCopiedChain === true,
    makesFullsOnly: makesFullsOnly(judged, fullFormats),
    isWrittenOver: judged.isWrittenOver === true,
  });
  const selection = selectRestorePoints({
    job: { mode: job.mode, gfs: job.gfs, restorePoints: scope },
    timeZone: job.timeZone,
    current,
    copied,
    detection,
    ...{ targetRepositoryId, sourceRepositoryId },
    activeFull,
    fullFormats,
    awaited,
    named: job.once?.restorePointId ?? null,
  });
  const late = job.once === undefined ? await lateText(context, input, { current, copied }) : [];
  const former = copied.length > 0 ? null : await formerText(context, input, judged);
  const doubts = doubtsOn(judged, current, job.once);
  const points = selection.points.slice(0, MAX_SELECTED);
  const isOnlyLook = input.epoch === null || points.length === 0;
  // As it was judged: what was in progress then must not be taken for passed over once it is whole.
  const lookId = isOnlyLook ? null : await rememberLook(context, input, judged);
  const selected = new Set(selection.points.map(({ restorePointId }) => restorePointId));
  return {
    told: [...(former === null ? late : [former]), ...doubts.known],
    ...doubts.found,
    lookId,
    passesOver: current.some((point) => isPassedOver(point, selected)),
    detection: {
      ...detection,
      toCompare: detection.toCompare.slice(0, MAX_SELECTED),
      warnings: [
        ...detection.warnings,
        ...pointWarnings({ current, copied }, selected, nowMs),
        ...late,
      ],
    },
    selection: {
      ...selection,
      points,
      morePoints: selection.points.length - points.length,
      awaited: selection.awaited.slice(-MAX_AWAITED),
    },
  };
}

/** Whether the next copy is to deal with it without copying it.
 *  @param selected ids of those that are to be copied now */
function isPassedOver({ id, identity }: IdentifiedPoint, selected: ReadonlySet<string>): boolean {
  return isKnownAndChanged(identity) || (identity.is === 'new' && !selected.has(id));
}

/** What is in no copy, and what is copied although it was taken too early: that makes no whole copy.
 *  @param selected ids of those that are to be copied now */
function pointWarnings(
  { current, copied }: Pick<Identified, 'current' | 'copied'>,
  selected: ReadonlySet<string>,
  nowMs: number,
): string[] {
  const short = current.flatMap(({ id, short: reason }) =>
    reason !== undefined && selected.has(id)
      ? [`restore point ${id} is copied for want of a whole one: ${shortText(reason)}`]
      : [],
  );
  return [...staleWarnings(notCopied(current, copied, selected), nowMs), ...short];
}

/** Those that were dealt with, as far as nothing tells whether they are still what they were then; null: none. The next copy deals with them as they are now
 *  (`planCopy`). */
function changedSinceText(current: readonly IdentifiedPoint[]): string | null {
  const changed = current.filter(({ identity }) => isKnownAndChanged(identity));
  const newest = changed.at(-1);
  if (newest === undefined) return null;
  const others = changed.length - 1;
  const rest = others === 0 ? '' : `, as were those of ${counted(others, 'other', 'others')}`;
  return `the files of restore point ${newest.id} were written or moved after it was dealt with${rest}: it is not copied again, and whether it shows what it showed then is not known. \`longhaul copy once\` copies it as it is now`;
}

/** What may be wrong with the source, and nothing tells whether it is. One point is of one machine: only chains are of several. */
function doubtsOn(
  judged: SourceWorkload,
  current: readonly IdentifiedPoint[],
  once: CopyJob['once'],
): { readonly known: readonly string[]; readonly found: Pick<FoundWork, 'newDoubt'> } {
  const { doubt } = judged;
  const lack = lackOfNewest(current);
  const changed = once === undefined ? changedSinceText(current) : null;
  const doubts = [
    ...(doubt === undefined || once !== undefined
      ? []
      : [{ text: doubt.text, isKnown: !isDoubtNew(judged, current) }]),
    ...(lack?.isUnsure === true ? [lack] : []),
    ...(changed === null ? [] : [{ text: changed, isKnown: false }]),
  ];
  const found = doubts.filter(({ isKnown }) => !isKnown).map(({ text }) => text);
  return {
    known: doubts.filter(({ isKnown }) => isKnown).map(({ text }) => text),
    found: found.length === 0 ? {} : { newDoubt: found.join('; ') },
  };
}

async function formerText(
  context: MoverContext,
  {
    job,
    targetRepositoryId,
    sourceRepositoryId,
  }: SelectWorkInput & { readonly job: Pick<CopyJob, 'id'> },
  judged: SourceWorkload,
): Promise<string | null> {
  const target = await context.source(targetRepositoryId);
  return formerDiskText(target, { jobId: job.id, sourceRepositoryId }, judged);
}

async function lateText(
  context: MoverContext,
  { sourceRepositoryId }: SelectWorkInput,
  { current, copied }: Pick<Identified, 'current' | 'copied'>,
): Promise<readonly string[]> {
  const source = await context.source(sourceRepositoryId);
  return lateCompanions(context.control, source, current, copied);
}

/** What was cut after it was copied is in a copy, unless it was written to since, and so has another date. Of one that was taken too early its own copy
 *  is told (`lastingShortCopies`, `pointWarnings`).
 *  @param selected ids of those that are to be copied now */
function notCopied(
  current: readonly IdentifiedPoint[],
  copied: readonly TargetRestorePoint[],
  selected: ReadonlySet<string>,
): IdentifiedPoint[] {
  return current
    .filter((point) => !isCopiedAndTouched(point) || isLaterThanCopy(point, copied))
    .filter(({ id, hasNoWhole, identity }) => {
      const isCopied = identity.is === 'copied' || selected.has(id);
      return hasNoWhole !== true || !isCopied;
    });
}

const NOTHING_AWAITED: SettleRule = { nowMs: 0, settleMs: 0 };

/** The workload as if the point that is wanted were its newest: with what it builds on, to be read with it. null: as it is.
 *  @throws RESTORE_POINT_MISSING */
function withWanted(workload: SourceWorkload, pointId: string | null): SourceWorkload {
  if (pointId === null) return workload;
  const byId = new Map(workload.restorePoints.map((point) => [point.id, point]));
  const wanted = new Set<string>();
  for (let id: string | null = pointId; id !== null && !wanted.has(id);) {
    wanted.add(id);
    id = byId.get(id)?.parentId ?? null;
  }
  if (!byId.has(pointId))
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `the source shows no restore point ${pointId} of ${workload.name}`,
    );
  return {
    ...workload,
    restorePoints: workload.restorePoints.filter(({ id }) => wanted.has(id)),
  };
}

/** Keeps the answer below 100 KiB. */
const MAX_SELECTED = 200;
/** The newest ones: a tool writes at the end. */
const MAX_AWAITED = 20;

async function identified(
  context: MoverContext,
  input: SelectWorkInput,
  once: CopyJob['once'],
): Promise<Identified> {
  const target = await context.repository(input.targetRepositoryId);
  const found = withWanted(await sourceWorkload(context, input), once?.restorePointId ?? null);
  const { settle = NOTHING_AWAITED } = input;
  const judged = { ...found, restorePoints: settlePoints(found.restorePoints, settle) };
  const awaited = awaitedPoints(judged.restorePoints, settle);
  const record = await recordOf(target, input, judged);
  return {
    judged,
    copied: record === null ? [] : availablePoints(record),
    current: identifiedPoints(judged, record, input.sourceRepositoryId, input.epoch),
    awaited,
  };
}

/** The record of the chain, with what its source tells of copies that were taken too early: written, unless this is only a look. */
async function recordOf(
  target: BackupRepository,
  { chain, epoch }: SelectWorkInput,
  judged: SourceWorkload,
): Promise<ChainRecord | null> {
  const record =
    epoch === null
      ? await readChainRecord(target, chain)
      : await ownedChainRecord(target, chain, epoch);
  const told = record === null ? null : toldRecord(judged, record);
  if (told === null) return record;
  return epoch === null ? told : writeChainRecord(target, chain, told);
}
