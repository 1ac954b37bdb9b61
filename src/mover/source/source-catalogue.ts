import { randomUUID } from 'node:crypto';
import { chainFolder } from '../../chain/chain-paths.js';
import { availablePoints, lineageOf, type ChainRecord } from '../../chain/chain-record.js';
import { BackupError } from '../../domain/errors.js';
import { fileTraits } from '../../domain/targets/file-traits.js';
import { nameOfPathSegment } from '../../domain/targets/path-segment.js';
import type {
  SourceCompanion,
  SourceDisk,
  SourceImage,
  SourceRestorePoint,
  SourceWorkload,
} from '../../domain/sources/source-workload.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import {
  backupOf,
  isCopyable,
  shortCopies,
  shortText,
  supersededIds,
} from '../../domain/sources/source-identity.js';
import { unseenReason, type UnseenPart } from '../../domain/sources/unseen-part.js';
import type { FactStore } from '../../layout/file-facts.js';
import { scanRepository, scanWorkload } from '../../layout/scan-repository.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { chainsIn, findChains } from '../../chain/find-chains.js';
import type { LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import type { CopyPlace } from './copy-place.js';

/** Everything in a repository that can be copied from: what the backup tools left there, and Longhaul's own chains (a copy of a copy). A
 *  chain whose record cannot be read is a workload without restore points: who asks for it (`findSourceWorkload`) gets the reason. */
export async function listSourceWorkloads(
  repository: SourceRepository,
  onUnseen?: (part: UnseenPart) => void,
  facts?: FactStore,
): Promise<SourceWorkload[]> {
  const workloads = (await scanRepository(repository, { onUnseen }, facts)).map((workload) =>
    withProofs(repository, workload),
  );
  const { chains, unreadable } = await findChains(repository);
  for (const { folder, record } of chains)
    workloads.push(await chainAsSource(repository, folder, record));
  for (const { path } of unreadable) if (path.includes('/')) workloads.push(unreadableChain(path));
  return workloads.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One workload of `listSourceWorkloads`. With its folders known only these are read, so that a session pays for each workload once and not
 *  for the whole repository with each; what appeared elsewhere since is found by the next session. Without them everything is read, but
 *  for a chain of Longhaul, whose id tells where it lies.
 *  @param folders `SourceWorkload.folders` of an earlier look
 *  @throws WORKLOAD_MISSING, WORKLOAD_CLAIMED_TWICE, SOURCE_PART_UNREADABLE */
export async function findSourceWorkload(
  repository: SourceRepository,
  workloadId: string,
  folders?: readonly string[],
  facts?: FactStore,
): Promise<SourceWorkload> {
  const workload =
    (await lookIn(repository, workloadId, folders ?? chainFoldersNamedBy(workloadId), facts)) ??
    (folders === undefined ? await lookEverywhere(repository, workloadId, facts) : null);
  if (workload === null)
    throw new BackupError(
      'WORKLOAD_MISSING',
      `repository ${repository.id} holds no workload ${workloadId}`,
      { details: { repositoryId: repository.id, workloadId } },
    );
  if (workload.conflict !== undefined)
    throw new BackupError('WORKLOAD_CLAIMED_TWICE', workload.conflict, {
      details: { repositoryId: repository.id, workloadId, folders: workload.folders },
    });
  return workload;
}

/** `findSourceWorkload` of the workload that is copied; as the look `lookId` has found it, when this process still knows that. */
export async function sourceWorkload(
  context: MoverContext,
  { sourceRepositoryId, workloadId, sourceFolders, lookId }: CopyPlace,
): Promise<SourceWorkload> {
  const repository = await context.source(sourceRepositoryId);
  const text = lookId === undefined ? null : await context.facts.load(lookKey(lookId));
  if (text !== null) return JSON.parse(text) as SourceWorkload;
  return findSourceWorkload(repository, workloadId, sourceFolders, context.facts);
}

/** Remembers what a look has found, for the points that are copied because of it: each of them opens its own files by the stamps that they had
 *  then, so that whatever has changed since is noticed (SOURCE_CHANGED). Where stamps prove nothing, and in Longhaul's own chains, which change under
 *  a reader, every point is looked at for itself.
 *  @returns id of the look; null: it is not remembered */
export async function rememberLook(
  context: MoverContext,
  { sourceRepositoryId }: CopyPlace,
  workload: SourceWorkload,
): Promise<string | null> {
  const { capabilities } = await context.source(sourceRepositoryId);
  if (!capabilities.stampsProve || workload.isCopiedChain === true) return null;
  const lookId = randomUUID();
  context.facts.save(lookKey(lookId), JSON.stringify(workload));
  return lookId;
}

function lookKey(lookId: string): string {
  return `look ${lookId}`;
}

async function lookEverywhere(
  repository: SourceRepository,
  workloadId: string,
  facts?: FactStore,
): Promise<SourceWorkload | null> {
  const unread: UnseenPart[] = [];
  const onUnseen = (part: UnseenPart) => {
    if (part.code === 'SOURCE_PART_UNREADABLE') unread.push(part);
  };
  const workloads = await listSourceWorkloads(repository, onUnseen, facts);
  const workload = workloads.find(({ id }) => id === workloadId);
  const [part] = unread;
  // It may be the one that cannot be read.
  if (workload === undefined && part !== undefined)
    throw new BackupError('SOURCE_PART_UNREADABLE', unseenReason(part), {
      details: { repositoryId: repository.id, workloadId, path: part.path },
    });
  return workload ?? null;
}

async function lookIn(
  repository: SourceRepository,
  workloadId: string,
  folders: readonly string[],
  facts?: FactStore,
): Promise<SourceWorkload | null> {
  for (const { folder, record } of await chainsIn(repository, folders))
    if (chainWorkloadId(record) === workloadId) return chainAsSource(repository, folder, record);
  const workload = await scanWorkload(repository, workloadId, folders, facts);
  return workload === null ? null : withProofs(repository, workload);
}

/** Where stamps are weak an untouched file cannot be told from one that was written. */
function withProofs(repository: SourceRepository, workload: SourceWorkload): SourceWorkload {
  if (repository.capabilities.stampsProve) return workload;
  const restorePoints = workload.restorePoints.map((point) => ({ ...point, fingerprint: null }));
  return { ...workload, restorePoints };
}

/** Whether a point that is not complete says nothing about what it will be in a while: a file could not be read, a tool writes to it, or a merge in a
 *  chain of Longhaul is not finished. */
function isPassing({ isCopiedChain }: SourceWorkload, state: SourceRestorePoint['state']): boolean {
  if (state === 'incomplete') return isCopiedChain === true;
  return state === 'unknown' || state === 'inProgress';
}

/** @param mayBeShort one that was taken too early is wanted, too, whose files are as they were
 *  @throws RESTORE_POINT_MISSING, RESTORE_POINT_BROKEN */
export function requireCompletePoint(
  workload: SourceWorkload,
  restorePointId: string,
  mayBeShort = false,
): SourceRestorePoint {
  const point = workload.restorePoints.find(({ id }) => id === restorePointId);
  if (point === undefined)
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `workload ${workload.name} has no restore point ${restorePointId} any more`,
      { details: { workloadId: workload.id, restorePointId } },
    );
  if (mayBeShort && point.short !== undefined) return point;
  if (!isCopyable(point))
    throw new BackupError(
      'RESTORE_POINT_BROKEN',
      `restore point ${restorePointId} of workload ${workload.name} is ${point.state}: ${point.reason ?? 'no reason given'}`,
      {
        details: {
          ...{ workloadId: workload.id, restorePointId },
          isPassing: isPassing(workload, point.state),
        },
      },
    );
  return point;
}

/** Images that show `disk` at `point`, top first, each with the restore point it belongs to.
 *  @throws RESTORE_POINT_BROKEN when a link is missing */
export function sourceLayers(
  repositoryId: string,
  workload: SourceWorkload,
  point: SourceRestorePoint,
  disk: string,
): { restorePointId: string; file: LayerFile }[] {
  const layers: { restorePointId: string; file: LayerFile }[] = [];
  const byId = new Map(workload.restorePoints.map((entry) => [entry.id, entry]));
  let pointCount = 0;
  for (let current: SourceRestorePoint | undefined = point; ;) {
    const file: SourceDisk | undefined = current?.disks.find((entry) => entry.disk === disk);
    if (current === undefined || file === undefined || pointCount++ > workload.restorePoints.length)
      throw new BackupError(
        'RESTORE_POINT_BROKEN',
        `disk ${disk} of restore point ${point.id} lacks a parent file`,
        { details: { repositoryId, restorePointId: point.id, disk } },
      );
    const restorePointId = current.id;
    for (const image of [file, ...(file.below ?? [])])
      layers.push({ restorePointId, file: layerOf(repositoryId, image) });
    if (file.parentRestorePointId === null) return layers;
    const parentId: string = file.parentRestorePointId;
    current = byId.get(parentId);
  }
}

/** Nothing but what the layer is read by: it stands in plans. */
function layerOf(
  repositoryId: string,
  { path, format, stamp, extents, digestsPath, adler32 }: SourceImage,
): LayerFile {
  return {
    ...{ repositoryId, path, format, stamp },
    ...(extents === undefined ? {} : { extents }),
    ...(digestsPath === undefined ? {} : { digestsPath, provesTables: true }),
    ...(adler32 === undefined ? {} : { adler32 }),
  };
}

async function chainAsSource(
  repository: SourceRepository,
  folder: string,
  record: ChainRecord,
): Promise<SourceWorkload> {
  const restorePoints: SourceRestorePoint[] = [];
  const short = shortCopies(record.points);
  const superseded = supersededIds(record.points);
  for (const point of availablePoints(record)) {
    const found = await pointAsSource(repository, folder, record, point);
    restorePoints.push(toldShort(found, short.get(point.id), superseded.has(point.id)));
  }
  return {
    ...record.workload,
    id: chainWorkloadId(record),
    folders: [folder],
    restorePoints,
    isCopiedChain: true,
  };
}

/** @param short why it was taken too early; undefined: nothing says that
 *  @param isSuperseded a whole one stands there in its place */
function toldShort(
  point: SourceRestorePoint,
  short: string | undefined,
  isSuperseded: boolean,
): SourceRestorePoint {
  if (short === undefined || point.state === 'broken') return point;
  const goesOn = point.state === 'complete' && !isSuperseded;
  return {
    ...{ ...point, state: 'incomplete', reason: shortText(short), short },
    ...(goesOn ? { hasNoWhole: true } : {}),
  };
}

/** Under the id that it has when its record can be read, and with the name that its folder tells. */
function unreadableChain(folder: string): SourceWorkload {
  const segment = folder.slice(folder.indexOf('/') + 1);
  return {
    id: folder.replace('/', ':'),
    name: nameOfPathSegment(segment) ?? segment,
    type: 'unknown',
    folders: [folder],
    restorePoints: [],
    isCopiedChain: true,
  };
}

/** Copies of one workload by several jobs are several workloads to copy on. */
function chainWorkloadId(record: ChainRecord): string {
  return chainFolder(record.jobId, record.workload.id).replace('/', ':');
}

/** Where the chain with this id lies, should it be the id of one: path segments hold no `:`. */
function chainFoldersNamedBy(workloadId: string): string[] {
  return CHAIN_WORKLOAD_ID.test(workloadId) ? [workloadId.replace(':', '/')] : [];
}

/** What `pathSegment` makes of the names of job and workload. */
const CHAIN_WORKLOAD_ID = /^[\w%~-][\w.%~-]*:[\w%~-][\w.%~-]*$/;

async function pointAsSource(
  repository: SourceRepository,
  folder: string,
  record: ChainRecord,
  point: TargetRestorePoint,
): Promise<SourceRestorePoint> {
  const disks: SourceDisk[] = [];
  let reason = point.health === 'corrupt' ? 'a health check found corrupt blocks in it' : null;
  const largeCompanions: SourceCompanion[] = [];
  for (const { disk, path, format, kind, digests, isCompanion = false, ...file } of point.disks) {
    const entry = await repository.stat(`${folder}/${path}`);
    if (entry === null) {
      reason = `${path} is missing`;
      continue;
    }
    const parentRestorePointId = kind === 'full' ? null : point.parentId;
    const { path: filePath, stamp } = entry;
    const digestsPath = `${folder}/${digests.path}`;
    const traits = fileTraits(file);
    if (isCompanion) largeCompanions.push({ path: filePath, digestsPath, ...traits });
    else
      disks.push({
        ...{ disk, path: filePath, format, kind, parentRestorePointId, stamp, digestsPath },
        ...traits,
      });
  }
  // While a merge goes on, the files below all points of its chain change under a reader: wait for it to finish.
  const { pending } = record;
  const isMerging =
    pending?.type === 'merge' &&
    lineageOf(record, point.id).some(({ id }) => id === pending.fromId);
  return {
    id: point.id,
    workloadId: chainWorkloadId(record),
    createdAtMs: Date.parse(point.createdAt),
    kind: point.kind,
    parentId: point.parentId,
    disks,
    companions: [
      ...point.companions.map(({ path, digest, ...file }) => ({
        ...{ path: `${folder}/${path}`, digest },
        ...fileTraits(file),
      })),
      ...largeCompanions,
    ],
    state: reason !== null ? 'broken' : isMerging ? 'incomplete' : 'complete',
    reason: reason ?? (isMerging ? 'a merge in its chain is not finished' : null),
    // A merge or a synthetic full writes other files, but what the point shows stays what was copied.
    fingerprint: null,
    copyId: point.copyId,
    backup: backupOf(point),
  };
}
