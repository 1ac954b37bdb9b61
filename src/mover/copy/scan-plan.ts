import { lineageOf, type ChainRecord } from '../../chain/chain-record.js';
import type { Digest } from '../../domain/targets/digest.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import { fullFormat, incrementFormat } from '../../image/formats.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import {
  readStagedJson,
  stagedPath,
  windowCountOf,
  writeStagedJson,
  newToken,
} from '../staging/copy-plan.js';
import { ImageStack } from '../blocks/image-stack.js';
import { areUnwritten, sameLayer, targetLayer, type LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { comparisonJournal, diskWork } from '../staging/journals.js';
import { firstOpenWindow } from '../task/window-journal.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import { discardStaging } from '../staging/staging.js';
import { HeldWindows } from '../staging/held-windows.js';
import { assertCopyable } from './disk-limit.js';

/** A comparison of the source's blocks with the digests of a point of the target: of the newest, when no lineage tells what changed, or of one that
 *  may be the very same point. It lies in `<staging>/scan.json`, beside the plan that is made from it. That plan has a token of its own: a
 *  comparison that outlives its plan must not vouch for what was copied by it. */
export interface BlockScan {
  readonly token: string;
  readonly epoch: number;
  readonly parentId: string;
  /** `TargetRestorePoint.copyId`: another copy may have got the id since. */
  readonly parentCopyId: string;
  readonly disks: readonly ScanDisk[];
}

export interface ScanDisk {
  readonly disk: string;
  readonly blockCount: number;
  /** Blocks in the windows that are compared: those in which the source or the target may hold something (`HeldWindows`). */
  readonly heldBlocks: number;
  readonly sourceLayers: readonly LayerFile[];
  readonly targetLayers: readonly TargetLayer[];
  /** Only blocks that these hold are compared; null: all. */
  readonly ownLayers: OwnLayers | null;
}

/** Number of layers, from the top, on ones that are known to show the same. At least 1 each. */
export interface OwnLayers {
  readonly source: number;
  readonly target: number;
}

interface TargetLayer extends LayerFile {
  readonly digestsPath: string;
  readonly tableDigest: Digest;
}

type LayersOf = (disk: string) => { restorePointId: string; file: LayerFile }[];

/** Makes or takes up the scan of all disks that the target holds already; a disk that is new needs none. */
export async function prepareScan(
  context: MoverContext,
  input: { targetRepositoryId: string; chain: string; epoch: number },
  order: {
    readonly record: ChainRecord;
    readonly staging: string;
    readonly parent: TargetRestorePoint;
    readonly disks: readonly string[];
    readonly layersOf: LayersOf;
    readonly ownLayersOf: (disk: string) => OwnLayers | null;
  },
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const { record, staging, parent, disks, layersOf, ownLayersOf } = order;
  const target = await context.repository(input.targetRepositoryId);
  const known = disks.filter((disk) => parent.disks.some((entry) => entry.disk === disk));
  const existing = await readScan(target, staging);
  const targetOf = (disk: string) => targetLayersOf(record, input, parent.id, disk);
  if (
    existing !== null &&
    isSameScan(existing, parent, known, layersOf) &&
    (await isOfUnwritten(context, existing)) &&
    existing.disks.every(({ disk, targetLayers }) => haveSamePaths(targetLayers, targetOf(disk)))
  ) {
    const scan = { ...existing, epoch: input.epoch };
    await writeStagedJson(target, stagedPath.scan(staging), scan);
    return work(target, staging, scan);
  }
  await discardStaging(target, staging);
  await target.makePlace(stagedPath.workFolder(staging));
  const token = newToken();
  const scanDisks: ScanDisk[] = [];
  for (const disk of known) {
    const files = layersOf(disk).map(({ file }) => file);
    const targetLayers = targetOf(disk);
    const held = await windowsToCompare(context, files, targetLayers);
    await held.windows.write(target, staging, disk, token);
    const { blockCount, isResized, sourceLayers } = held;
    const { heldBlocks } = held.windows;
    const ownLayers = isResized ? null : ownLayersOf(disk);
    scanDisks.push({ disk, blockCount, heldBlocks, sourceLayers, targetLayers, ownLayers });
  }
  await target.settle([stagedPath.workFolder(staging)]);
  const scan: BlockScan = {
    token,
    epoch: input.epoch,
    parentId: parent.id,
    parentCopyId: parent.copyId,
    disks: scanDisks,
  };
  await writeStagedJson(target, stagedPath.scan(staging), scan);
  return work(target, staging, scan);
}

async function windowsToCompare(
  context: MoverContext,
  files: readonly LayerFile[],
  targetLayers: readonly LayerFile[],
): Promise<{
  blockCount: number;
  windows: HeldWindows;
  isResized: boolean;
  sourceLayers: readonly LayerFile[];
}> {
  const source = await ImageStack.open(context, files);
  try {
    const sourceLayers = source.planned(files);
    const { format } = files[0]!;
    const { dialect, virtualSizeBytes: bytes } = source;
    const increment = incrementFormat(format, dialect, bytes);
    assertCopyable(source, increment ?? fullFormat(format, dialect, bytes));
    const base = await ImageStack.open(context, targetLayers);
    try {
      const { blockCount } = source;
      const windows = HeldWindows.of(blockCount, (block) => {
        const inBase = base.nextHeldBlock(block);
        return Math.min(source.nextHeldBlock(block), inBase < base.blockCount ? inBase : Infinity);
      });
      // A layer of another size hides what is below it behind its end, so that it shows more than it holds.
      const images = [...source.images, ...base.images];
      const isResized = new Set(images.map(({ virtualSizeBytes }) => virtualSizeBytes)).size > 1;
      return { blockCount, windows, isResized, sourceLayers };
    } finally {
      await base.close();
    }
  } finally {
    await source.close();
  }
}

/** null: there is none that can be gone on with, or its list of windows is not as it was written. */
async function readScan(target: BackupRepository, staging: string): Promise<BlockScan | null> {
  const scan = await readStagedJson<BlockScan>(target, stagedPath.scan(staging));
  for (const disk of scan?.disks ?? []) {
    const windows = await HeldWindows.readIfSound(target, staging, disk, scan!.token);
    if (windows?.heldBlocks !== disk.heldBlocks) return null;
  }
  return scan;
}

/** The scan in this staging folder, when all its windows are done and nothing it compared has changed since; null otherwise. */
export async function finishedScan(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  {
    parent,
    disks,
    layersOf,
  }: {
    readonly parent: TargetRestorePoint;
    readonly disks: readonly string[];
    readonly layersOf: LayersOf;
  },
): Promise<BlockScan | null> {
  const scan = await readScan(target, staging);
  const known = disks.filter((disk) => parent.disks.some((entry) => entry.disk === disk));
  if (scan === null || !isSameScan(scan, parent, known, layersOf)) return null;
  if (!(await isOfUnwritten(context, scan))) return null;
  for (const { disk, heldBlocks } of scan.disks) {
    const journal = comparisonJournal(staging, disk, scan.token);
    const windowCount = windowCountOf(heldBlocks);
    if ((await firstOpenWindow(target, journal, windowCount)) < windowCount) return null;
  }
  return scan;
}

/** Images of the target that show `disk` at `pointId`, top first, with their digest tables. */
export function targetLayersOf(
  record: ChainRecord,
  input: { targetRepositoryId: string; chain: string },
  pointId: string,
  disk: string,
): TargetLayer[] {
  const layers: TargetLayer[] = [];
  for (const point of lineageOf(record, pointId)) {
    const file = point.disks.find((entry) => entry.disk === disk);
    if (file === undefined) break;
    layers.push({
      ...targetLayer(input, file),
      digestsPath: `${input.chain}/${file.digests.path}`,
      tableDigest: file.digests.tableDigest,
    });
    if (file.kind === 'full') break;
  }
  return layers;
}

function isSameScan(
  scan: BlockScan,
  parent: TargetRestorePoint,
  disks: readonly string[],
  layersOf: LayersOf,
): boolean {
  return (
    scan.parentId === parent.id &&
    scan.parentCopyId === parent.copyId &&
    scan.disks.length === disks.length &&
    scan.disks.every((entry) => {
      const now = disks.includes(entry.disk) ? layersOf(entry.disk) : [];
      return sameLayers(entry.sourceLayers, now);
    })
  );
}

/** The marks of their writers tell that where stamps may not. */
async function isOfUnwritten(context: MoverContext, { disks }: BlockScan): Promise<boolean> {
  for (const { sourceLayers } of disks)
    if (!(await areUnwritten(context, sourceLayers))) return false;
  return true;
}

/** A merge or a synthetic full leaves fewer files that show the same. */
function haveSamePaths(planned: readonly TargetLayer[], now: readonly TargetLayer[]): boolean {
  return planned.length === now.length && planned.every(({ path }, i) => path === now[i]!.path);
}

/** Whether planned source files are still the ones that a layout finds, untouched. */
export function sameLayers(
  planned: readonly LayerFile[],
  now: readonly { file: LayerFile }[],
): boolean {
  return (
    planned.length === now.length && planned.every((layer, i) => sameLayer(layer, now[i]!.file))
  );
}

async function work(
  target: BackupRepository,
  staging: string,
  scan: BlockScan,
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const disks: DiskWork[] = [];
  for (const { disk, heldBlocks } of scan.disks)
    disks.push(
      await diskWork(target, comparisonJournal(staging, disk, scan.token), disk, heldBlocks),
    );
  return { reference: { token: scan.token, epoch: scan.epoch }, disks };
}
