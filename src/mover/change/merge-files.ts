import {
  diskFileName,
  digestTablePath,
  STAGING_FOLDER,
  stagingFolder,
  tablesCopyPath,
} from '../../chain/chain-paths.js';
import { withNewChain, type ChainRecord, type PendingChange } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { BackupError } from '../../domain/errors.js';
import { sourceAlone } from '../../domain/sources/source-identity.js';
import { isMergeStagingId, mergeStagingId } from '../../domain/targets/staging-id.js';
import type {
  PointHealth,
  TargetDisk,
  TargetRestorePoint,
} from '../../domain/targets/target-point.js';
import { imageFormat } from '../../image/formats.js';
import { isPlain } from '../../domain/targets/file-units.js';
import { hashFile } from '../blocks/file-digest.js';
import { fileByteSource } from '../../image/byte-source.js';
import { fileBytes } from '../blocks/file-bytes.js';
import { writeMergedDigests } from './merged-digests.js';
import { mergedBefore, noteMerged, type MergedDisk } from './merged-table.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { parentFolder } from '../../repository/repository-path.js';
import { TablesCopyWriter } from '../blocks/tables-copy.js';
import { newToken } from '../staging/copy-plan.js';

type Merge = Extract<PendingChange, { type: 'merge' }>;

/** Merges the increment `fromId` into the full `intoId`, disk by disk, and gives the full the increment's name: the next increment's
 *  parent link names that path already, so no other file is touched, and one rename is the switch. Until it, the increment hides every
 *  cluster that is overwritten; from it on, the full holds them. Every step can be done again after a stop at any place.
 *  What was made is noted beside the chain, and the note stays: until the record says so nothing else tells it (`discardMergeNotes`).
 *  @returns the record's points, with `fromId` as a full and without `intoId` */
export async function mergeFiles(
  context: MoverContext,
  place: ChainPlace,
  record: ChainRecord,
  { intoId, fromId }: Merge,
): Promise<TargetRestorePoint[]> {
  const { repository, chain } = place;
  const into = pointOf(record, intoId);
  const from = pointOf(record, fromId);
  const staging = mergeStaging(chain, fromId);
  const assertStillOurs = () => assertRevision(place, record.revision);
  await assertStillOurs();
  await repository.makePlace(staging);
  const disks: TargetDisk[] = [];
  const healths: PointHealth[] = [from.health];
  for (const disk of from.disks) {
    const full = into.disks.find((entry) => entry.disk === disk.disk);
    if (disk.kind === 'full') disks.push(disk);
    else if (full === undefined) throw new Error(`disk ${disk.disk} has no full to merge into`);
    else {
      const beside = mergedBeside(chain, { fromId }, disk.disk);
      const order = { ...place, assertStillOurs };
      const merged = await mergeDisk(context, order, beside, full, disk);
      disks.push(merged.disk);
      healths.push(merged.health);
    }
  }
  await assertStillOurs();
  const rest = record.points.filter(({ id }) => id !== intoId);
  const health = worst(healths);
  const verifiedAt = health === from.health ? earlier(into.verifiedAt, from.verifiedAt) : null;
  const source = sourceAlone(record.points, from);
  const merged = { ...from, kind: 'full', parentId: null, health, verifiedAt, disks } as const;
  return withNewChain(rest, { ...merged, source });
}

/** To be called when the record lists what was made, and announces no merge any more (docs/FORMAT.md, Order, D6). */
export async function discardMergeNotes({ repository, chain }: ChainPlace): Promise<void> {
  for (const { type, name, path } of await repository.list(`${chain}/${STAGING_FOLDER}`))
    if (type === 'folder' && isMergeStagingId(name)) await repository.removeAll(path);
}

function worst(healths: readonly PointHealth[]): PointHealth {
  return (['corrupt', 'unknown'] as const).find((health) => healths.includes(health)) ?? 'good';
}

function mergeStaging(chain: string, fromId: string): string {
  return stagingFolder(chain, mergeStagingId(fromId));
}

interface Beside {
  readonly digests: string;
  readonly tables: string;
  /** What was made (`noteMerged`). */
  readonly note: string;
}

/** Where digest table and tables of a merged disk lie until its file has the name of the increment, and what tells which they are. */
export function mergedBeside(
  chain: string,
  { fromId }: Pick<Merge, 'fromId'>,
  disk: string,
): Beside {
  const staging = mergeStaging(chain, fromId);
  return {
    digests: `${staging}/${digestTablePath('', disk).slice(1)}`,
    tables: `${staging}/${tablesCopyPath('', disk).slice(1)}`,
    note: `${staging}/${diskFileName(disk, 'merged.json')}`,
  };
}

/** A chain while this attempt merges in it. */
interface MergePlace extends ChainPlace {
  /** Asked wherever the next step builds on what others could have changed.
   *  @throws STALE_EPOCH */
  readonly assertStillOurs: () => Promise<void>;
}

/** Two who merge into one full at once hand out the same clusters of it for different blocks. The later one has written the record before it
 *  looked at the full, so the earlier one finds another revision and stops: also where the server that gave the work away could not tell it. */
async function assertRevision({ repository, chain }: ChainPlace, revision: number): Promise<void> {
  const now = await readChainRecord(repository, chain);
  if (now?.revision === revision) return;
  throw new BackupError(
    'STALE_EPOCH',
    `the chain in ${chain} is at revision ${now?.revision ?? 'none'}: another attempt goes on with the merge of revision ${revision}, and this one wrote no more`,
    { details: { folder: chain, revision } },
  );
}

/** What the full had already is not read again by a merge. null: never. */
function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return null;
  return Date.parse(a) < Date.parse(b) ? a : b;
}

async function mergeDisk(
  context: MoverContext,
  place: MergePlace,
  beside: Beside,
  full: TargetDisk,
  increment: TargetDisk,
): Promise<{ readonly disk: TargetDisk; readonly health: PointHealth }> {
  const { repository, chain, assertStillOurs } = place;
  const { algorithm } = full.digests;
  const fullPath = `${chain}/${full.path}`;
  const path = `${chain}/${increment.path}`;
  const tablePath = `${chain}/${increment.digests.path}`;
  let made: MergedDisk | null = null;
  if ((await repository.stat(fullPath)) !== null) {
    made = await mergeIntoFull(context, place, full, increment, beside);
    // The note is of this attempt's file, whoever else writes one.
    await assertStillOurs();
    await noteMerged(repository, beside.note, made);
    await repository.settle([parentFolder(beside.digests)]);
    await assertStillOurs();
  } else await assertMoved(place, fullPath, increment);
  // Also when an attempt that was killed has moved it: what it saw need not be durable.
  await repository.move([{ from: fullPath, to: path }], chain);
  const places = { image: path, staged: beside.digests, final: tablePath, note: beside.note };
  const merged =
    made === null
      ? await mergedBefore(context, repository, places, algorithm)
      : ({ disk: made, health: 'good' } as const);
  const tables = [
    { from: beside.tables, to: `${chain}/${increment.tablesPath}` },
    { from: beside.digests, to: tablePath },
  ];
  await repository.move(tables, chain);
  const { sizeBytes, tableDigest, slots } = merged.disk;
  const digests = {
    ...{ path: increment.digests.path, algorithm, tableDigest },
    ...(slots === undefined ? {} : { slots }),
  };
  return {
    disk: { ...increment, kind: 'full', sizeBytes, digests },
    health: merged.health,
  };
}

/** A full that is not in its place was moved to that of the increment by an attempt that was stopped, or is lost: the increment is no full then.
 *  @throws FILE_MISSING, IMAGE_… */
async function assertMoved(
  { repository, chain }: ChainPlace,
  fullPath: string,
  { path, format }: TargetDisk,
): Promise<void> {
  const isFull = await withOpenFiles(async (files) => {
    const source = await fileByteSource(files.add(await repository.openRead(`${chain}/${path}`)));
    return (await imageFormat(format, path).open(source)).parent === null;
  });
  if (isFull) return;
  throw new BackupError(
    'FILE_MISSING',
    `${fullPath} is missing, and ${path} is still the increment that was to go into it`,
    { details: { path: fullPath } },
  );
}

/** Blocks, tables and digests of the merged file, all durable when it returns.
 *  @returns what was made */
async function mergeIntoFull(
  context: MoverContext,
  { repository, chain, assertStillOurs }: MergePlace,
  full: TargetDisk,
  increment: TargetDisk,
  beside: Beside,
): Promise<MergedDisk> {
  const { openUpdate } = repository;
  if (openUpdate === null) throw new Error('no merges are planned where files cannot be updated');
  const token = newToken();
  return withOpenFiles(async (files) => {
    const fullFile = files.add(await openUpdate.call(repository, `${chain}/${full.path}`));
    const incrementFile = files.add(await repository.openRead(`${chain}/${increment.path}`));
    const source = await fileByteSource(incrementFile);
    const format = imageFormat(increment.format, increment.path);
    const image = await format.open(source);
    if (image.parent === null)
      throw new BackupError(
        'IMAGE_BACKING_REFUSED',
        `${increment.path} is a full already, and ${full.path} is still there: one of them was put there by something else`,
      );
    if (format.merger === null)
      throw new Error(`files of the format ${format.id} take up no increments in place`);
    const look = (): void => context.control.throwIfStopped();
    await assertStillOurs();
    // What follows a sync builds on what was synced: no reference is written to a cluster that another attempt may have used.
    const slots = await format.merger.merge(
      await fileBytes(fullFile, assertStillOurs),
      source,
      look,
    );
    const fullTable = files.add(await repository.openRead(`${chain}/${full.digests.path}`));
    const incrementTable = files.add(
      await repository.openRead(`${chain}/${increment.digests.path}`),
    );
    const table = files.add(await repository.openWork(beside.digests, token));
    const tables = files.add(await repository.openWork(beside.tables, token));
    await writeMergedDigests(context, {
      merged: fullFile,
      ...{ format, slots },
      fullTable,
      increment: image,
      incrementTable,
      table,
      tables: files.add(new TablesCopyWriter(tables)),
      algorithm: full.digests.algorithm,
    });
    const { sizeBytes } = await fullFile.stamp();
    const tableDigest = await hashFile(table, context.control);
    return { sizeBytes, tableDigest, ...(isPlain(slots) ? {} : { slots }) };
  });
}

function pointOf(record: ChainRecord, id: string): TargetRestorePoint {
  const point = record.points.find((entry) => entry.id === id);
  if (point === undefined) throw new Error(`restore point ${id} is not listed`);
  return point;
}
