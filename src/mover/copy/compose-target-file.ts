import {
  digestEntryOf,
  digestEntryOffset,
  HOLE,
  unitCountOf,
  writeDigestTableHeader,
} from '../../chain/digest-table.js';
import { unitDigest } from '../../chain/digest.js';
import { diskPath, digestTablePath, tablesCopyPath } from '../../chain/chain-paths.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetCompanion, TargetDisk } from '../../domain/target-point.js';
import { composedFormat } from '../../image/formats.js';
import type { PlannedContent } from '../../image/image-format.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type {
  BackupRepository,
  ReadableFile,
  WritableFile,
} from '../../repository/backup-repository.js';
import { makeFolderDurable } from '../../repository/replace-file.js';
import { BlockListReader } from '../blocks/block-list.js';
import { SlotMapping } from './slot-mapping.js';
import {
  readStagedJson,
  requirePlan,
  stagedPath,
  windowCountOf,
  writeStagedJson,
  type ComposedPoint,
  type CopyPlan,
  type DiskPlan,
  type PlanReference,
} from '../staging/copy-plan.js';
import { openCopyWindows } from '../staging/copy-cursor.js';
import { copyWhole, fileBytes } from '../blocks/file-bytes.js';
import { hashFile } from '../blocks/file-digest.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { TablesCopyWriter } from '../blocks/tables-copy.js';

export interface ComposeInput {
  readonly targetRepositoryId: string;
  readonly staging: string;
  readonly reference: PlanReference;
}

/** Writes header, tables and reference counts around the copied blocks, completes the digest tables, copies the machine description
 *  files, and makes everything durable. Can be run again from the start at any time until the point is committed.
 *  @throws STAGING_INVALID when a window is not copied, STALE_EPOCH, REPOSITORY_FULL */
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
      : await compose(context, target, input.staging, plan);
  return {
    disks: composed.disks.length,
    sizeBytes: composed.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0),
  };
}

async function compose(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<ComposedPoint> {
  const disks: TargetDisk[] = [];
  for (const disk of plan.disks) {
    await assertCopied(target, staging, disk);
    disks.push(await composeDisk(context, target, staging, plan, disk));
  }
  const companions = await copyCompanions(context, target, staging, plan);
  await target.syncFolder(stagedPath.pointFolder(staging));
  const composed: ComposedPoint = { token: plan.token, disks, companions };
  await writeStagedJson(target, stagedPath.composed(staging), composed);
  return composed;
}

/** @throws STAGING_INVALID when a window is not copied */
async function assertCopied(
  target: BackupRepository,
  staging: string,
  disk: DiskPlan,
): Promise<void> {
  const windowCount = windowCountOf(disk.slotCount);
  const [missing] = await openCopyWindows(target, staging, disk, 0, windowCount);
  if (missing !== undefined)
    throw new BackupError(
      'STAGING_INVALID',
      `window ${missing} of disk ${disk.disk} is not copied yet`,
      { details: { staging, disk: disk.disk } },
    );
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
  const open = (path: string) => target.openWrite(path, 'open-or-new');
  return withOpenFiles(async (files) => {
    const image = files.add(await open(stagedPath.image(staging, disk)));
    const table = files.add(await open(stagedPath.digests(staging, disk.disk)));
    const tables = files.add(await open(stagedPath.tables(staging, disk.disk)));
    const blocks = files.add(await target.openRead(stagedPath.blockList(staging, disk.disk)));
    const zeros = files.add(await target.openRead(stagedPath.zeroList(staging, disk.disk)));
    const mapping = new SlotMapping(
      await openSoundList(blocks, plan.token),
      await openSoundList(zeros, plan.token),
      Math.ceil(disk.virtualSizeBytes / BLOCK_BYTES),
      (first, count) => slotsInUse(table, first, count),
    );
    const { extension, composer } = composedFormat(disk.format);
    const { sizeBytes } = await composer.compose(
      await fileBytes(image),
      disk,
      plannedContent(context, mapping, table),
    );
    const tableDigest = await completeDigestTable(
      context,
      { image, table, tables: new TablesCopyWriter(tables), algorithm: plan.algorithm },
      { sizeBytes, slotCount: disk.slotCount },
    );
    return {
      disk: disk.disk,
      path: diskPath(plan.pointId, disk.disk, extension),
      format: disk.format,
      kind: disk.kind,
      sizeBytes,
      virtualSizeBytes: disk.virtualSizeBytes,
      digests: {
        path: digestTablePath(plan.pointId, disk.disk),
        algorithm: plan.algorithm,
        tableDigest,
      },
      tablesPath: tablesCopyPath(plan.pointId, disk.disk),
    };
  });
}

/** Can be stopped at every question that is asked of it. */
function plannedContent(
  { control }: MoverContext,
  mapping: SlotMapping,
  table: ReadableFile,
): PlannedContent {
  return {
    nextMapped: (block) => mapping.nextMapped(block),
    mapBlocks: (first, out) => {
      control.throwIfStopped();
      return mapping.mapBlocks(first, out);
    },
    slotsInUse: async (first, out) => {
      control.throwIfStopped();
      out.set(await slotsInUse(table, first, out.length));
    },
  };
}

/** 1 for a slot that holds data; 0 for one whose block was found to be zeros. */
async function slotsInUse(
  table: ReadableFile,
  firstSlot: number,
  count: number,
): Promise<Uint8Array> {
  const digests = Buffer.alloc(count * DIGEST_BYTES);
  await table.read(digests, digestEntryOffset(1 + firstSlot));
  const used = new Uint8Array(count);
  for (let i = 0; i < count; i++)
    used[i] = digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES).equals(HOLE) ? 0 : 1;
  return used;
}

/** Adds the digests of the header and of the tables behind the slots, then the table's own header, and keeps a copy of those units;
 *  returns the digest of the whole table. */
async function completeDigestTable(
  { control }: MoverContext,
  files: {
    readonly image: ReadableFile;
    readonly table: WritableFile;
    readonly tables: TablesCopyWriter;
    readonly algorithm: DigestAlgorithm;
  },
  { sizeBytes, slotCount }: { readonly sizeBytes: number; readonly slotCount: number },
): Promise<string> {
  const { image, table, tables, algorithm } = files;
  const unitCount = unitCountOf(sizeBytes);
  const digest = unitDigest(algorithm);
  await withRunBuffer(async (buffer) => {
    const unit = buffer.subarray(0, BLOCK_BYTES);
    for (let index = 0; index < unitCount; index = index === 0 ? 1 + slotCount : index + 1) {
      control.throwIfStopped();
      unit.fill(0, await image.read(unit, index * BLOCK_BYTES));
      const entry = digestEntryOf(unit, digest);
      await table.write(entry, digestEntryOffset(index));
      if (entry !== HOLE) await tables.add(index, unit);
    }
  });
  await tables.finish();
  await table.truncate(digestEntryOffset(unitCount));
  await writeDigestTableHeader(table, { algorithm, fileSizeBytes: sizeBytes, unitCount });
  await table.sync();
  return hashFile(table, control);
}

/** Machine description files go to `config/` under their own names, numbered where two are alike. */
async function copyCompanions(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<TargetCompanion[]> {
  if (plan.companions.length === 0) return [];
  const folder = `${stagedPath.pointFolder(staging)}/config`;
  await makeFolderDurable(target, folder);
  const companions: TargetCompanion[] = [];
  for (const { repositoryId, path } of plan.companions) {
    const name = freeName(path.slice(path.lastIndexOf('/') + 1), companions);
    const repository = await context.repository(repositoryId);
    await withOpenFiles(async (files) => {
      const source = files.add(await repository.openRead(path));
      const copy = files.add(await target.openWrite(`${folder}/${name}`, 'open-or-new'));
      await copy.truncate(0);
      const sizeBytes = await copyWhole(source, copy);
      await copy.sync();
      const digest = await hashFile(copy, context.control);
      companions.push({ path: `${plan.pointId}/config/${name}`, sizeBytes, digest });
    });
  }
  await target.syncFolder(folder);
  return companions;
}

function freeName(name: string, taken: readonly TargetCompanion[]): string {
  const isTaken = (candidate: string) => taken.some(({ path }) => path.endsWith(`/${candidate}`));
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${n}-${name}`;
    if (!isTaken(candidate)) return candidate;
  }
}
