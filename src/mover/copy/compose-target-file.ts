import { isBackupError } from '../../domain/errors.js';
import type { PlanReference } from '../../domain/targets/disk-work.js';
import { diskPath, digestTablePath, tablesCopyPath } from '../../chain/chain-paths.js';
import { BLOCK_BYTES, type Digest } from '../../domain/targets/digest.js';
import { keptTraits } from '../../domain/targets/file-traits.js';
import { FileUnits, isPlain } from '../../domain/targets/file-units.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { composerOf, imageFormat } from '../../image/formats.js';
import type { ImageComposer, PlannedContent } from '../../image/image-format.js';
import type { ByteSink, ByteSource } from '../../image/byte-source.js';
import type { BackupRepository, ReadableFile } from '../../repository/backup-repository.js';
import { BlockListReader } from '../blocks/block-list.js';
import { copyCompanions } from './copy-companions.js';
import { CopiedPrefixes } from './copied-prefixes.js';
import { SlotMapping } from './slot-mapping.js';
import { StoredBytes } from '../blocks/stored-bytes.js';
import {
  readStagedJson,
  requirePlan,
  stagedPath,
  writeStagedJson,
  type ComposedPoint,
  type CopyPlan,
  type DiskPlan,
} from '../staging/copy-plan.js';
import { discardStaging } from '../staging/staging.js';
import { CopiedSlots } from '../staging/copied-slots.js';
import { copyJournal } from '../staging/journals.js';
import { fileBytes } from '../blocks/file-bytes.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { TablesCopyWriter } from '../blocks/tables-copy.js';
import { writeDigestTable } from '../blocks/write-digest-table.js';
import { WindowJournal } from '../task/window-journal.js';

export interface ComposeInput {
  readonly targetRepositoryId: string;
  readonly staging: string;
  readonly reference: PlanReference;
}

/** Writes header, tables and reference counts around the copied blocks, writes the digest tables, copies the small
 *  companions, and makes everything durable. Can be run again from the start at any time until the point is committed.
 *  @throws STAGING_INVALID when a window is not copied, FILE_MISSING when a staged file is gone, STALE_EPOCH, REPOSITORY_FULL */
export async function composeTargetFile(
  context: MoverContext,
  input: ComposeInput,
): Promise<{ disks: number; sizeBytes: number }> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requirePlan(target, input.staging, input.reference);
  const finished = await readStagedJson<ComposedPoint>(target, stagedPath.composed(input.staging));
  const composed =
    finished !== null && finished.token === plan.token
      ? finished
      : await composeOrGiveUp(context, target, input.staging, plan);
  return {
    disks: composed.disks.length,
    sizeBytes: composed.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0),
  };
}

/** What its format cannot hold as it was planned is not taken up as it is: the next plan may be another one.
 *  @throws IMAGE_LIMIT_EXCEEDED */
async function composeOrGiveUp(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<ComposedPoint> {
  try {
    return await compose(context, target, staging, plan);
  } catch (error) {
    if (isBackupError(error, 'IMAGE_LIMIT_EXCEEDED')) await discardStaging(target, staging);
    throw error;
  }
}

async function compose(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<ComposedPoint> {
  const disks: TargetDisk[] = [];
  for (const disk of plan.disks)
    disks.push(await composeDisk(context, target, staging, plan, disk));
  const companions = await copyCompanions(context, target, staging, plan);
  await target.settle([stagedPath.pointFolder(staging)]);
  const composed: ComposedPoint = { token: plan.token, disks, companions };
  await writeStagedJson(target, stagedPath.composed(staging), composed);
  return composed;
}

/** What was copied by a list that has changed since would be put in wrong places.
 *  @throws STAGING_INVALID */
async function openSoundList(file: ReadableFile, token: string): Promise<BlockListReader> {
  const list = await BlockListReader.open(file, token);
  await list.assertSound();
  return list;
}

async function composeDisk(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
  disk: DiskPlan,
): Promise<TargetDisk> {
  const open = (path: string, existing?: 'existing') => target.openWork(path, plan.token, existing);
  const journal = copyJournal(staging, disk.disk, plan.token);
  return withOpenFiles(async (files) => {
    // A file that was copied into and is gone must not be made anew around nothing.
    const isCopied = disk.slotCount > 0 ? 'existing' : undefined;
    const image = files.add(await open(stagedPath.image(staging, disk), isCopied));
    const digestsPath = stagedPath.digests(staging, disk.disk);
    // An attempt makes it before it writes anything.
    const isFirst = (await target.stat(digestsPath)) === null;
    const table = files.add(await open(digestsPath));
    const tables = files.add(await open(stagedPath.tables(staging, disk.disk)));
    const noted = files.add(await open(journal.path));
    const slots = new CopiedSlots(new WindowJournal(noted, journal), disk.slotCount);
    const composer = composerOf(disk.format);
    const read = async (path: string) => files.add(await open(path, 'existing'));
    const list = await openSoundList(
      await read(stagedPath.blockList(staging, disk.disk)),
      plan.token,
    );
    const mapping = new SlotMapping(
      list,
      await openSoundList(await read(stagedPath.zeroList(staging, disk.disk)), plan.token),
      Math.ceil(disk.virtualSizeBytes / BLOCK_BYTES),
      hasZerosInSlots(composer, disk) ? null : (first, count) => slots.inUse(first, count),
    );
    const bytes = await fileBytes(image);
    const copied = isFirst ? copiedPrefixes(composer, disk, list, slots) : null;
    const sink = copied?.unlessCopied(bytes) ?? unlessThere(bytes, composer, isFirst);
    const { sizeBytes } = await composer.compose(
      sink,
      disk,
      plannedContent(context, mapping, slots),
    );
    const { digest: algorithm } = plan;
    const copyOfTables = files.add(new TablesCopyWriter(tables));
    const units = new FileUnits({ ...composer.place(disk), slotCount: disk.slotCount }, sizeBytes);
    if (plan.verifyAfterCopy === 'direct') {
      const stored = files.add(await StoredBytes.open(target, image.path));
      await stored.assertTables(context.control, image, units);
    }
    const tableDigest = await writeDigestTable(context.control, {
      image,
      units,
      algorithm,
      slotDigests: (first, count) => slots.digests(first, count),
      prefix: copied === null ? undefined : (slot) => copied.before(slot),
      table,
      tables: copyOfTables,
    });
    await copyOfTables.finish();
    return targetDisk(plan, disk, units, tableDigest);
  });
}

const SMALL_BYTES = 64;

/** For a first attempt alone: after a sync that failed the system shows what was written, and may never put it on the disk (fsync(2)). */
function copiedPrefixes(
  composer: ImageComposer,
  disk: DiskPlan,
  list: BlockListReader,
  slots: CopiedSlots,
): CopiedPrefixes | null {
  const prefixOf = composer.prefixes?.(disk);
  const areCopied = disk.copiesPrefixes === true && disk.reuse === undefined;
  if (prefixOf === undefined || !areCopied) return null;
  return new CopiedPrefixes(list, slots, composer.place(disk), prefixOf);
}

/** Where nothing tells whether what stands before a slot was written with it: small pieces that the file has already are not written again. */
function unlessThere(
  file: ByteSource & ByteSink,
  composer: ImageComposer,
  isFirst: boolean,
): ByteSink {
  if (composer.prefixes === undefined || !isFirst) return file;
  return {
    ...file,
    async write(bytes, offset) {
      if (bytes.length <= SMALL_BYTES && offset + bytes.length <= file.sizeBytes) {
        const there = Buffer.alloc(bytes.length);
        await file.read(there, offset);
        if (there.equals(bytes)) return;
      }
      await file.write(bytes, offset);
    },
  };
}

/** The file as the record lists it. */
function targetDisk(
  { pointId, digest: algorithm }: CopyPlan,
  disk: DiskPlan,
  { slots, fileSizeBytes }: FileUnits,
  tableDigest: Digest,
): TargetDisk {
  const path = digestTablePath(pointId, disk.disk);
  return {
    disk: disk.disk,
    path: diskPath(pointId, disk.disk, imageFormat(disk.format).extension),
    format: disk.format,
    kind: disk.kind,
    sizeBytes: fileSizeBytes,
    virtualSizeBytes: disk.virtualSizeBytes,
    digests: { path, algorithm, tableDigest, ...(isPlain(slots) ? {} : { slots }) },
    tablesPath: tablesCopyPath(pointId, disk.disk),
    ...keptTraits(disk),
  };
}

function hasZerosInSlots(composer: ImageComposer, { dialect, kind }: DiskPlan): boolean {
  return composer.traits(dialect, kind).zeros === 'stored';
}

/** Can be stopped at every question that is asked of it. */
function plannedContent(
  { control }: MoverContext,
  mapping: SlotMapping,
  slots: CopiedSlots,
): PlannedContent {
  return {
    nextMapped: (block) => mapping.nextMapped(block),
    mapBlocks: (first, out) => {
      control.throwIfStopped();
      return mapping.mapBlocks(first, out);
    },
    slotsInUse: async (first, out) => {
      control.throwIfStopped();
      out.set(await slots.inUse(first, out.length));
    },
  };
}
