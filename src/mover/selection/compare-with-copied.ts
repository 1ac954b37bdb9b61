import { digestEntryOffset } from '../../chain/digest-table.js';
import { isZeroUnit, unitDigest } from '../../chain/digest.js';
import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/digest.js';
import type { ComparedRestorePoint } from '../../domain/recreated-chain.js';
import type { SourceRestorePoint, SourceWorkload } from '../../domain/restore-point.js';
import type { CopiedSourceDisk, TargetRestorePoint } from '../../domain/target-point.js';
import { contentIdentity } from '../../image/content-identity.js';
import { BLOCK_DIRECT } from '../../image/disk-image.js';
import { ImageStack, openLayerImage, sameStamp } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { targetLayersOf } from '../copy/scan-plan.js';
import { sourceLayers } from '../source/source-catalogue.js';

export interface CompareInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly sourceRepositoryId: string;
}

/** Tells for each source point which copied points have the same content. A file with an unchanged stamp is the one that was copied; of
 *  any other the content identity is computed, so what costs is only what was touched, moved or made anew.
 *
 *  A tool that merges an increment into its full at the source keeps what the point shows but writes another file: then blocks of the
 *  copy are compared with what the source point shows now. */
export async function compareWithCopied(
  context: MoverContext,
  input: CompareInput,
  workload: SourceWorkload,
  record: ChainRecord,
): Promise<ComparedRestorePoint[]> {
  const copied = availablePoints(record).filter(
    ({ source }) => source.repositoryId === input.sourceRepositoryId,
  );
  const comparison = new Comparison(context, input, workload, record);
  const byName = new Map(workload.restorePoints.map((point) => [point.id, point]));
  const same = new Map<string, string[]>();
  const differs = new Map<string, string[]>();
  for (const copy of copied) {
    const point = byName.get(copy.source.restorePointId);
    if (point === undefined || point.state !== 'complete') continue;
    const isSame = await comparison.isSame(point, copy);
    append(isSame ? same : differs, point.id, copy.id);
  }
  const newest = copied.at(-1);
  const isNewestFound = [...same.values()].some(
    (ids) => newest !== undefined && ids.includes(newest.id),
  );
  if (newest !== undefined && !isNewestFound) await findRenamed(comparison, workload, copied, same);
  return workload.restorePoints.map((point) => ({
    ...point,
    sameContentAs: same.get(point.id) ?? [],
    contentDiffersFrom: differs.get(point.id) ?? [],
  }));
}

/** Points under other names: a renamed folder, a tool that numbers anew. */
async function findRenamed(
  comparison: Comparison,
  workload: SourceWorkload,
  copied: readonly TargetRestorePoint[],
  same: Map<string, string[]>,
): Promise<void> {
  for (const point of workload.restorePoints) {
    if (point.state !== 'complete' || same.has(point.id)) continue;
    for (const copy of copied)
      if (await comparison.hasSameFiles(point, copy)) append(same, point.id, copy.id);
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

class Comparison {
  private readonly contentIds = new Map<string, string>();

  constructor(
    private readonly context: MoverContext,
    private readonly input: CompareInput,
    private readonly workload: SourceWorkload,
    private readonly record: ChainRecord,
  ) {}

  async isSame(point: SourceRestorePoint, copy: TargetRestorePoint): Promise<boolean> {
    if (await this.hasSameFiles(point, copy)) return true;
    const wasTransformed = point.disks.some(
      ({ disk, kind }) => copy.disks.find((entry) => entry.disk === disk)?.kind !== kind,
    );
    return wasTransformed && (await this.showsSameBlocks(point, copy));
  }

  async hasSameFiles(point: SourceRestorePoint, copy: TargetRestorePoint): Promise<boolean> {
    if (point.disks.length !== copy.source.disks.length) return false;
    for (const known of copy.source.disks) if (!(await this.isSameFile(point, known))) return false;
    return true;
  }

  private async isSameFile(point: SourceRestorePoint, known: CopiedSourceDisk): Promise<boolean> {
    const file = point.disks.find(({ disk }) => disk === known.disk);
    if (file === undefined) return false;
    if (file.contentId !== undefined) return file.contentId === known.contentId;
    if (file.path === known.path && sameStamp(file.stamp, known.stamp)) return true;
    let contentId = this.contentIds.get(file.path);
    if (contentId === undefined) {
      const layer = { repositoryId: this.input.sourceRepositoryId, ...file };
      const { image, close } = await openLayerImage(this.context, layer);
      try {
        contentId = await contentIdentity(image);
      } finally {
        await close();
      }
      this.contentIds.set(file.path, contentId);
    }
    return contentId === known.contentId;
  }

  private async showsSameBlocks(
    point: SourceRestorePoint,
    copy: TargetRestorePoint,
  ): Promise<boolean> {
    for (const { disk } of copy.disks) {
      if (!point.disks.some((entry) => entry.disk === disk)) return false;
      if (!(await this.showsSameDisk(point, copy, disk))) return false;
    }
    return true;
  }

  /** Compares up to 256 evenly spread stored blocks of the copy's own files, that is of what was new at that point. */
  private async showsSameDisk(
    point: SourceRestorePoint,
    copy: TargetRestorePoint,
    disk: string,
  ): Promise<boolean> {
    const { context, input } = this;
    const layers = sourceLayers(input.sourceRepositoryId, this.workload, point, disk);
    const targetLayers = targetLayersOf(this.record, input, copy.id, disk);
    const digest = unitDigest(copy.disks.find((entry) => entry.disk === disk)!.digests.algorithm);
    const source = await ImageStack.open(
      context,
      layers.map(({ file }) => file),
    );
    const base = await ImageStack.open(context, targetLayers);
    const target = await context.repository(input.targetRepositoryId);
    const table = await target.openRead(targetLayers[0]!.digestsPath);
    try {
      if (source.virtualSizeBytes !== base.virtualSizeBytes) return false;
      const unit = Buffer.alloc(BLOCK_BYTES);
      const expected = Buffer.alloc(DIGEST_BYTES);
      for (const { block, hostOffset } of await storedSample(base)) {
        await source.read(unit, block * BLOCK_BYTES);
        await table.read(expected, digestEntryOffset(hostOffset / BLOCK_BYTES));
        if (isZeroUnit(unit) || !digest(unit).equals(expected)) return false;
      }
      return true;
    } finally {
      await source.close();
      await base.close();
      await table.close();
    }
  }
}

const SAMPLE_BLOCKS = 256;
const MAP_BLOCKS = 65_536;

async function storedSample(base: ImageStack): Promise<{ block: number; hostOffset: number }[]> {
  const stored: { block: number; hostOffset: number }[] = [];
  let step = 1;
  let seen = 0;
  for (let first = 0; first < base.blockCount; first += MAP_BLOCKS) {
    const count = Math.min(MAP_BLOCKS, base.blockCount - first);
    const map = await base.mapBlocks(first, count, 1);
    for (let i = 0; i < count; i++) {
      if (map.states[i] !== BLOCK_DIRECT || seen++ % step !== 0) continue;
      stored.push({ block: first + i, hostOffset: map.hostOffsets[i]! });
      if (stored.length < SAMPLE_BLOCKS * 2) continue;
      // Twice as many as wanted: keep every second one and look at every second one from here on.
      stored.splice(0, stored.length, ...stored.filter((_, index) => index % 2 === 0));
      step *= 2;
    }
  }
  return stored;
}
