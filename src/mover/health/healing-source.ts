import { HOLE } from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { FileUnits, NO_SLOTS } from '../../domain/targets/file-units.js';
import {
  BackupError,
  isBackupError,
  isSenselessImage,
  isStorageFault,
  isUnreadable,
} from '../../domain/errors.js';
import type { SourceRestorePoint, SourceWorkload } from '../../domain/sources/source-workload.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { BLOCK_DIRECT, MAP_BLOCKS } from '../../image/disk-image.js';
import { ImageStack } from '../blocks/image-stack.js';
import { openLayer, targetLayer, type LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether } from '../task/open-files.js';
import {
  findSourceWorkload,
  listSourceWorkloads,
  requireCompletePoint,
  sourceLayers,
} from '../source/source-catalogue.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { pointFiles } from '../source/point-files.js';
import { TablesCopyReader } from '../blocks/tables-copy.js';

export interface HealInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly epoch: number;
  readonly pointId: string;
  readonly disk: string;
  readonly units: readonly number[];
}

export interface HealingSource extends HealInput {
  readonly record: ChainRecord;
  readonly point: TargetRestorePoint;
  readonly diskFile: TargetDisk;
  readonly sourceDisk: SourceDisk;
}

interface DiskOfPoint {
  readonly record: ChainRecord;
  readonly point: TargetRestorePoint;
  readonly disk: string;
}

/** A disk as the source shows it, for one healing. Its files are looked for when the first block is asked for, which reads the whole source repository, and opened as
 *  they are needed: a chain may have thousands. */
export class SourceDisk {
  #files: Promise<readonly LayerFile[]> | null = null;
  #stack: Promise<ImageStack> | null = null;

  constructor(
    private readonly context: MoverContext,
    private readonly place: DiskOfPoint,
  ) {}

  /** @throws what tells that the source does not hold the point, or cannot be asked */
  async block(guestBlock: number): Promise<Buffer> {
    this.#stack ??= this.#open();
    const stack = await this.#stack;
    const bytes = Buffer.alloc(BLOCK_BYTES);
    try {
      await stack.read(bytes, guestBlock * BLOCK_BYTES);
    } catch (error) {
      // What is open may be what does not answer: the next block opens it anew.
      await this.close().catch(() => undefined);
      throw error;
    }
    return bytes;
  }

  async close(): Promise<void> {
    const stack = await this.#stack;
    this.#stack = null;
    await stack?.close();
  }

  /** One that could not be opened is tried again for the next block. */
  async #open(): Promise<ImageStack> {
    try {
      this.#files ??= findSourceFiles(this.context, this.place);
      return await ImageStack.open(this.context, await this.#files, 1);
    } catch (error) {
      this.#stack = null;
      throw error;
    }
  }
}

interface WantedBlock {
  readonly unit: number;
  /** null: the unit holds a table. */
  readonly guestBlock: number | null;
  readonly expected: Buffer;
}

interface FoundBlock {
  readonly bytes: Buffer | null;
  /** In plain words. */
  readonly from: string;
  readonly isSourceUnknown: boolean;
}

/** Which guest block each of the file's units holds; units that hold a table are not in it. Nothing is in it when the tables themselves
 *  cannot be read: they are healed first then. */
export async function guestBlocksOf(
  context: MoverContext,
  input: Pick<HealInput, 'targetRepositoryId' | 'chain'>,
  disk: TargetDisk,
  units: readonly number[],
): Promise<Map<number, number>> {
  const wanted = new Set(units);
  const fileUnits = unitsOf(disk);
  const blocks = new Map<number, number>();
  try {
    const { image, close } = await openLayer(context, targetLayer(input, disk));
    try {
      const blockCount = Math.ceil(image.virtualSizeBytes / BLOCK_BYTES);
      for (
        let first = image.nextHeldBlock(0);
        first < blockCount;
        first = image.nextHeldBlock(first + MAP_BLOCKS)
      ) {
        context.control.throwIfStopped();
        const map = await image.mapBlocks(first, Math.min(MAP_BLOCKS, blockCount - first));
        for (let i = 0; i < map.states.length; i++) {
          if (map.states[i] !== BLOCK_DIRECT) continue;
          const unit = fileUnits.unitAt(map.hostOffsets[i]!);
          if (wanted.has(unit)) blocks.set(unit, first + i);
        }
      }
    } finally {
      await close();
    }
  } catch (error) {
    if (!isUnreadable(error) && !isSenselessImage(error) && !isBackupError(error, 'FILE_MISSING'))
      throw error;
  }
  return blocks;
}

/** Bytes with the digest that is expected, from the copy of the tables or the source. Where neither has them, another file of the chain may
 *  (`inOtherFiles`).
 *  @param copies null: there is no copy of the tables */
export async function findGoodBlock(
  source: HealingSource,
  copies: TablesCopyReader | null,
  { unit, guestBlock, expected }: WantedBlock,
): Promise<FoundBlock> {
  const digest = unitDigest(source.diskFile.digests.algorithm);
  const isRight = (bytes: Buffer | null): bytes is Buffer =>
    bytes !== null && digest(bytes).equals(expected);
  let isSourceUnknown = false;
  if (expected.equals(HOLE))
    return { bytes: Buffer.alloc(BLOCK_BYTES), from: 'zeros', isSourceUnknown };

  const copy = await fromTablesCopy(copies, source.diskFile, unit);
  if (isRight(copy)) return { bytes: copy, from: 'the copy of the tables', isSourceUnknown };
  if (guestBlock !== null) {
    try {
      const bytes = await source.sourceDisk.block(guestBlock);
      if (isRight(bytes)) return { bytes, from: 'the source', isSourceUnknown };
    } catch (error) {
      if (!isBackupError(error)) throw error;
      isSourceUnknown = mayAnswerLater(error);
    }
  }
  return { bytes: null, from: '', isSourceUnknown };
}

/** The copy of the tables of a file, of these units; null: there is none, or it cannot be read. The caller closes it. */
export async function openTablesCopy(
  repository: SourceRepository,
  { chain, diskFile }: Pick<HealingSource, 'chain' | 'diskFile'>,
  units: readonly number[],
): Promise<TablesCopyReader | null> {
  const path = `${chain}/${diskFile.tablesPath}`;
  if ((await repository.stat(path)) === null) return null;
  try {
    return await openTogether(async (files) =>
      TablesCopyReader.open(files.add(await repository.openRead(path)), units),
    );
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

async function fromTablesCopy(
  copies: TablesCopyReader | null,
  diskFile: TargetDisk,
  unit: number,
): Promise<Buffer | null> {
  try {
    return (await copies?.read(unit, unitsOf(diskFile).digestedBytes(unit))) ?? null;
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** Image files of the source that show the disk, top first.
 *  @throws what tells that the source does not hold the point, or cannot be asked */
async function findSourceFiles(
  context: MoverContext,
  { record, point: target, disk }: DiskOfPoint,
): Promise<readonly LayerFile[]> {
  const { repository, workload, point } = await healingPoint(context, record, target);
  if (target.disks.find((entry) => entry.disk === disk)?.isCompanion === true) {
    const { companionDisks } = await pointFiles(repository, point);
    const file = companionDisks.get(disk);
    return file === undefined ? [] : [file];
  }
  return sourceLayers(repository.id, workload, point, disk).map(({ file }) => file);
}

/** The source point that a target point was copied from.
 *  @throws what tells that the source does not hold the point, or cannot be asked */
export async function healingPoint(
  context: MoverContext,
  record: ChainRecord,
  { source: { repositoryId, restorePointId } }: TargetRestorePoint,
): Promise<{
  readonly repository: SourceRepository;
  readonly workload: SourceWorkload;
  readonly point: SourceRestorePoint;
}> {
  const repository = await context.source(repositoryId);
  const workload = await askedWorkload(context, repository, record.workload.id);
  return { repository, workload, point: requireCompletePoint(workload, restorePointId, true) };
}

/** @throws as `findSourceWorkload`; SOURCE_EMPTY when the repository shows no backups of anybody: what is not mounted looks like that */
export async function askedWorkload(
  context: MoverContext,
  repository: SourceRepository,
  workloadId: string,
): Promise<SourceWorkload> {
  try {
    return await findSourceWorkload(repository, workloadId, undefined, context.facts);
  } catch (error) {
    if (!isBackupError(error, 'WORKLOAD_MISSING')) throw error;
    const others = await listSourceWorkloads(repository, undefined, context.facts);
    if (others.length > 0) throw error;
    throw new BackupError('SOURCE_EMPTY', `repository ${repository.id} shows no backups at all`, {
      details: { repositoryId: repository.id, workloadId },
      cause: error,
    });
  }
}

/** Whether the source could not be asked just now, rather than that it has the bytes no more: nothing is set aside that it may still heal. */
export function mayAnswerLater(error: BackupError): boolean {
  const { code, details } = error;
  if (code === 'RESTORE_POINT_BROKEN') return details['isPassing'] === true;
  return isStorageFault(error) || ANSWERED_LATER.includes(code);
}

const ANSWERED_LATER: readonly string[] = [
  // On a machine that only restores nobody has configured it.
  'REPOSITORY_MISSING',
  'SOURCE_EMPTY',
  'SOURCE_PART_UNREADABLE',
  'SOURCE_CHANGED',
  'WORKLOAD_CLAIMED_TWICE',
];

/** The units of a backup file. */
export function unitsOf({ digests, sizeBytes }: TargetDisk): FileUnits {
  return new FileUnits(digests.slots ?? NO_SLOTS, sizeBytes);
}
