import { stagingFolder } from '../../chain/chain-paths.js';
import { lineageOf, offeredPoint, type ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord, writeChainRecord } from '../../chain/chain-store.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import { BackupError } from '../../domain/errors.js';
import type { SourceRestorePoint, SourceWorkload } from '../../domain/sources/source-workload.js';
import type { IdentifiedPoint } from '../../domain/sources/source-identity.js';
import { comparisonStagingId } from '../../domain/targets/staging-id.js';
import type { CopiedSource, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { finishedScan, prepareScan, type OwnLayers } from '../copy/scan-plan.js';
import { sourceWorkload, requireCompletePoint, sourceLayers } from '../source/source-catalogue.js';
import type { CopyPlace } from '../source/copy-place.js';
import { provenSource } from '../source/proven-source.js';
import { identifiedPoints } from '../source/source-points.js';
import { discardStaging } from '../staging/staging.js';
import type { MoverContext } from '../task/mover-context.js';
import { differenceOf } from './difference.js';

export interface CompareSourceInput extends CopyPlace {
  readonly epoch: number;
  readonly restorePointId: string;
  /** The copy that it may be. */
  readonly copiedId: string;
}

interface Comparison {
  readonly record: ChainRecord;
  readonly workload: SourceWorkload;
  readonly point: SourceRestorePoint;
  readonly copy: TargetRestorePoint;
  readonly staging: string;
  readonly layersOf: (disk: string) => ReturnType<typeof sourceLayers>;
}

/** Prepares the comparison of a source point with the copy that it may be: every block by its digest (`scanBlocks`). Where both are proven to
 *  build on the same, only what their own files hold is compared. Taken up where it was stopped, as long as the files are the same.
 *  @throws RESTORE_POINT_MISSING, RESTORE_POINT_BROKEN, STALE_EPOCH, IMAGE_… */
export async function planComparison(
  context: MoverContext,
  input: CompareSourceInput,
): Promise<{ stagingId: string; reference: PlanReference; disks: DiskWork[] }> {
  const comparison = await openComparison(context, input);
  const { record, point, copy, staging, layersOf } = comparison;
  const work = await prepareScan(context, input, {
    record,
    staging,
    parent: copy,
    disks: point.disks.map(({ disk }) => disk),
    layersOf,
    ownLayersOf: (disk) => ownLayers(comparison, input, disk),
  });
  return { stagingId: comparisonStagingId(copy.id), ...work };
}

/** Settles the comparison in the commit record, so that it is not paid again: the same, with the fingerprint by which it is told from now on, or
 *  what is different. Repeating it when it is done changes nothing.
 *  @returns in plain words
 *  @throws STAGING_INVALID when a window is not compared yet or the source has changed since */
export async function settleComparison(
  context: MoverContext,
  input: CompareSourceInput,
): Promise<{ outcome: string }> {
  const comparison = await openComparison(context, input);
  const { record, workload, point, copy, staging, layersOf } = comparison;
  const settled = identifiedPoints(workload, record, input.sourceRepositoryId, input.epoch).find(
    ({ id }) => id === point.id,
  );
  if (settled?.identity.is !== 'unproven') return { outcome: describe(point.id, settled) };
  const target = await context.repository(input.targetRepositoryId);
  const disks = point.disks.map(({ disk }) => disk);
  const scan = await finishedScan(context, target, staging, { parent: copy, disks, layersOf });
  if (scan === null)
    throw new BackupError('STAGING_INVALID', `the comparison in ${staging} is not finished`);
  const difference = await differenceOf(context, target, staging, scan, { point, copy });
  const source: CopiedSource =
    difference === null
      ? provenSource(input, point)
      : {
          ...copy.source,
          ...(difference.verdict === 'grown' ? backupNow(point) : {}),
          judged: { ...difference, fingerprint: point.fingerprint, epoch: input.epoch },
        };
  const points = record.points.map((entry) =>
    entry.id === copy.id ? { ...entry, source } : entry,
  );
  const now = identifiedPoints(
    workload,
    { ...record, points },
    input.sourceRepositoryId,
    input.epoch,
  ).find(({ id }) => id === point.id);
  // It would be compared for ever.
  if (now?.identity.is === 'unproven')
    throw new Error(`the comparison of ${point.id} with ${copy.id} settles nothing`);
  await writeChainRecord(target, input.chain, { ...record, points });
  await discardStaging(target, staging);
  return { outcome: describe(point.id, now) };
}

/** What has grown is the same backup, copied again: a copy of before may not tell which. */
function backupNow({ backup }: SourceRestorePoint): Pick<CopiedSource, 'backup'> {
  return backup === undefined ? {} : { backup };
}

async function openComparison(
  context: MoverContext,
  input: CompareSourceInput,
): Promise<Comparison> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(target, input.chain, input.epoch);
  const workload = await sourceWorkload(context, input);
  const point = requireCompletePoint(workload, input.restorePointId);
  return {
    record,
    workload,
    point,
    copy: offeredPoint(record, input.copiedId),
    staging: stagingFolder(input.chain, comparisonStagingId(input.copiedId)),
    layersOf: (disk) => sourceLayers(input.sourceRepositoryId, workload, point, disk),
  };
}

/** How many layers on top of one that is proven to be the same in both; null: none is, and everything is compared. */
function ownLayers(
  { record, workload, point, copy }: Comparison,
  input: CompareSourceInput,
  disk: string,
): OwnLayers | null {
  const lineage = lineageOf(record, copy.id).map(({ id }) => id);
  const identified = identifiedPoints(workload, record, input.sourceRepositoryId, input.epoch);
  const proven = new Map(
    identified.flatMap(({ id, identity }) =>
      identity.is === 'copied' ? [[id, identity.copiedId] as const] : [],
    ),
  );
  const layers = sourceLayers(input.sourceRepositoryId, workload, point, disk);
  for (const [source, { restorePointId }] of layers.entries()) {
    const target = lineage.indexOf(proven.get(restorePointId) ?? '');
    if (source > 0 && target > 0) return { source, target };
  }
  return null;
}

function describe(restorePointId: string, point: IdentifiedPoint | undefined): string {
  const identity = point?.identity;
  switch (identity?.is) {
    case 'copied':
      return `restore point ${restorePointId} was compared block by block: it is what was copied`;
    case 'grown':
      return `restore point ${restorePointId} was compared with its copy: ${identity.reason}`;
    case 'replaced':
      return `restore point ${restorePointId} was compared with its copy: it has other content`;
    default:
      return `restore point ${restorePointId} was compared with a copy of the same date: it is another one`;
  }
}
