import { isDeepStrictEqual } from 'node:util';
import { isBeingChanged, type ChainRecord } from '../../chain/chain-record.js';
import { fileTraits, keptTraits } from '../../domain/targets/file-traits.js';
import { BackupError } from '../../domain/errors.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import type { KeptFile, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { MAP_BLOCKS } from '../../image/disk-image.js';
import { fullFormat } from '../../image/formats.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import {
  readStagedJson,
  stagedPath,
  writeStagedJson,
  type CopyPlan,
  type DiskPlan,
  newToken,
  type RestoreReader,
} from '../staging/copy-plan.js';
import { copyWork } from '../staging/journals.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import { ImageStack, type StackMap } from '../blocks/image-stack.js';
import { openLayer, sameContent, type LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { assertCopyable, assertFits } from '../copy/disk-limit.js';
import { fileOf } from '../copy/plan-disk.js';
import { listPlannedBlocks } from '../copy/planned-blocks.js';
import { targetLayersOf } from '../copy/scan-plan.js';
import { isSoundPlan } from '../staging/sound-plan.js';
import { mergedBeside } from './merge-files.js';
import { replacementStaging } from './replace-files.js';
import { ORDERS } from '../staging/restore-under-way.js';
import { discardStaging, makeStaging } from '../staging/staging.js';

interface FullOrder {
  /** Chain whose point is to become a full file. */
  readonly source: SourceRepository;
  readonly chain: string;
  readonly record: ChainRecord;
  readonly point: TargetRestorePoint;
  /** Names of the disks that are wanted, large companions too; null: all. */
  readonly disks: readonly string[] | null;
  /** Where it is staged. */
  readonly target: BackupRepository;
  readonly staging: string;
  readonly epoch: number;
  readonly withCompanions: boolean;
  /** The full takes the place of the point's own files, which others name; else it is a copy beside them. */
  readonly takesItsPlace: boolean;
  /** Of a restore: who reads. */
  readonly of?: RestoreReader;
  /** Names that the files of disks get elsewhere than in a chain, where some formats repeat them inside; absent: those of a chain. */
  readonly fileNames?: ReadonlyMap<string, string>;
  /** Formats of those that get another than their own; absent: none. */
  readonly formats?: ReadonlyMap<string, FormatId>;
  /** The format that all disks get, also those within files; null, absent: each keeps its own. */
  readonly convertedTo?: FormatId | null;
  /** Of disks whose files are kept as they are: the disks within them that are wanted instead, by the names that they get; absent: none. */
  readonly within?: ReadonlyMap<string, readonly WithinFile[]>;
}

export interface WithinFile {
  readonly disk: string;
  readonly within: NonNullable<LayerFile['within']>;
}

/** Plans fulls of the disks of a target point from the target's own files; the copy itself is the usual one. Run again, it takes up the
 *  plan that is there, as long as the files are the same, or were healed.
 *  @throws FILE_MISSING, IMAGE_… */
export async function planFull(
  context: MoverContext,
  order: FullOrder,
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const { target, staging, epoch, point, takesItsPlace: keepsLinkId } = order;
  const layers = await stampedLayers(context, order);
  const existing = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  if (
    existing !== null &&
    existing.order === textOf(order) &&
    isSame(existing, layers) &&
    (await isSoundPlan(target, staging, existing))
  ) {
    await proveMissing(context, existing, layers);
    const disks = stampedAnew(existing.disks, layers);
    const plan = { ...existing, epoch, disks, ...readBy(order) };
    if (!isDeepStrictEqual(plan, existing))
      await writeStagedJson(target, stagedPath.plan(staging), plan);
    return work(target, staging, plan);
  }
  await discardStaging(target, staging, order.of === undefined ? null : ORDERS);
  await makeStaging(target, staging);
  const token = newToken();
  const disks: DiskPlan[] = [];
  for (const [disk, files] of layers) {
    const formatId = order.convertedTo ?? order.formats?.get(disk) ?? null;
    const planned = await planDisk(context, {
      ...{ target, staging, token, disk, files, formatId, keepsLinkId },
    });
    disks.push({
      ...planned,
      fileName: order.fileNames?.get(disk) ?? planned.fileName,
      ...traitsOf(point, disk, files),
    });
  }
  const plan = planOf(order, token, disks);
  await writeStagedJson(target, stagedPath.plan(staging), plan);
  return work(target, staging, plan);
}

function planOf(order: FullOrder, token: string, disks: DiskPlan[]): CopyPlan {
  const { epoch, point } = order;
  const repositoryId = order.source.id;
  return {
    token,
    epoch,
    pointId: point.id,
    createdAt: point.createdAt,
    kind: 'full',
    parentId: null,
    parentCopyId: null,
    chainId: point.id,
    digest: point.disks[0]?.digests.algorithm ?? 'sha256',
    verifyAfterCopy: 'cached',
    disks,
    companions: order.withCompanions
      ? point.companions.map(({ path, digest, ...file }) => ({
          ...{ repositoryId, path: `${order.chain}/${path}`, stamp: null, digest },
          ...fileTraits(file),
        }))
      : [],
    source: point.source,
    passedOver: [],
    order: textOf(order),
    ...readBy(order),
  };
}

function readBy({ of }: FullOrder): Pick<CopyPlan, 'of'> {
  return of === undefined ? {} : { of };
}

/** What two orders of one staging folder may differ in: a restore that was stopped may be asked for in another form. */
function textOf({ convertedTo, withCompanions, fileNames, formats }: FullOrder): string {
  const names = [...(fileNames ?? [])];
  return JSON.stringify([convertedTo ?? null, withCompanions, names, [...(formats ?? [])]]);
}

async function planDisk(
  context: MoverContext,
  input: {
    target: BackupRepository;
    staging: string;
    token: string;
    disk: string;
    files: readonly LayerFile[];
    /** Of the full, where it has fulls; null: that of its image. */
    formatId: FormatId | null;
    keepsLinkId: boolean;
  },
): Promise<DiskPlan> {
  const stack = await ImageStack.open(context, input.files);
  try {
    const { target, staging, token, disk, keepsLinkId } = input;
    const isWithin = input.files[0]!.within !== undefined;
    const own = isWithin ? stack.images[0]!.format : input.files[0]!.format;
    const format = fullFormat(input.formatId ?? own, stack.dialect);
    if (input.formatId !== null) assertCopyable(stack, format);
    const file = fileOf(input, format, stack);
    const changes = { type: 'all' } as const;
    const lists = await listPlannedBlocks(context, {
      target,
      staging,
      token,
      disk,
      stack,
      changes,
      traits: format.composer.traits(file.dialect, 'full'),
    });
    const linkId = keepsLinkId ? stack.linkId : null;
    const plan = { ...file, kind: 'full', parent: null, linkId, ...lists } as const;
    assertFits(target, format, plan);
    return { ...plan, layers: stack.layers };
  } finally {
    await stack.close();
  }
}

/** A disk within a file has no place of its own in the tree of the point. */
function traitsOf(
  { disks }: TargetRestorePoint,
  disk: string,
  [file]: readonly LayerFile[],
): Partial<KeptFile> {
  const kept = disks.find((entry) => entry.disk === disk);
  return kept === undefined || file?.within !== undefined ? {} : keptTraits(kept);
}

async function stampedLayers(
  context: MoverContext,
  order: FullOrder,
): Promise<Map<string, LayerFile[]>> {
  const { source, chain, record, point } = order;
  const place = { targetRepositoryId: source.id, chain };
  const isChanging = isBeingChanged(record, point.id);
  const layers = new Map<string, LayerFile[]>();
  for (const { disk } of point.disks) {
    if (order.disks !== null && !order.disks.includes(disk)) continue;
    const files: LayerFile[] = [];
    for (const layer of targetLayersOf(record, place, point.id, disk)) {
      const entry = await source.stat(layer.path);
      if (entry === null) {
        if (await isMerged(context, order, disk, files)) break;
        throw new BackupError('FILE_MISSING', `${layer.path} is missing`, {
          details: { path: layer.path },
        });
      }
      files.push({
        ...layer,
        stamp: entry.stamp,
        ...(isChanging
          ? { tableDigest: undefined, ...(await replacedDigests(order, disk, layer)) }
          : { provesTables: true }),
      });
    }
    const inside = order.within?.get(disk);
    if (inside === undefined) layers.set(disk, files);
    for (const { disk: name, within } of inside ?? []) layers.set(name, [{ ...files[0]!, within }]);
  }
  return layers;
}

/** Whether the file below the last of these lies in its place: a merge that was stopped has taken up the increment, and goes on with another disk. Its digest
 *  table may still lie beside. */
async function isMerged(
  context: MoverContext,
  { source, chain, record: { pending } }: FullOrder,
  disk: string,
  files: LayerFile[],
): Promise<boolean> {
  const last = files.at(-1);
  if (pending?.type !== 'merge' || last === undefined) return false;
  const { image, close } = await openLayer(context, last);
  await close();
  if (image.parent !== null) return false;
  const digestsPath = mergedBeside(chain, pending, disk).digests;
  if ((await source.stat(digestsPath)) !== null) files[files.length - 1] = { ...last, digestsPath };
  return true;
}

/** The digest table of a full that has the name of the point's file already, while the table still lies beside: a replacement that was stopped. */
async function replacedDigests(
  { source, chain, record: { pending } }: FullOrder,
  disk: string,
  { path }: LayerFile,
): Promise<Pick<LayerFile, 'digestsPath'>> {
  if (pending?.type !== 'replace') return {};
  const full = pending.disks.find((entry) => entry.disk === disk);
  if (full === undefined || path !== `${chain}/${full.path}`) return {};
  const staging = replacementStaging(chain, pending.pointId);
  const digestsPath = stagedPath.digests(staging, disk);
  const isImageStaged = (await source.stat(stagedPath.image(staging, full))) !== null;
  return isImageStaged || (await source.stat(digestsPath)) === null ? {} : { digestsPath };
}

function isSame(plan: CopyPlan, now: ReadonlyMap<string, readonly LayerFile[]>): boolean {
  return (
    plan.disks.length === now.size &&
    plan.disks.every(({ disk, layers }) => {
      const files = now.get(disk) ?? [];
      // The plan may have left out what lies below a file that is a full by itself.
      return layers.every((layer, i) => {
        const file = files[i];
        return file !== undefined && sameContent(layer, file);
      });
    })
  );
}

/** What was planned while the files were being changed was planned by tables that nobody had compared with their digests. It holds when the same tables
 *  of the same files prove right now.
 *  @throws BLOCK_DIGEST_MISMATCH */
async function proveMissing(
  context: MoverContext,
  { disks }: CopyPlan,
  now: ReadonlyMap<string, readonly LayerFile[]>,
): Promise<void> {
  for (const { disk, layers } of disks) {
    const files = now.get(disk)!;
    if (!layers.some((layer, i) => lacksProof(layer, files[i]!))) continue;
    const stack = await ImageStack.open(context, files);
    try {
      const { blockCount } = stack;
      let map: StackMap | undefined;
      for (let next = 0; (next = stack.nextHeldBlock(next)) < blockCount; next += MAP_BLOCKS) {
        context.control.throwIfStopped();
        const count = Math.min(MAP_BLOCKS, blockCount - next);
        map = await stack.mapBlocks(next, count, undefined, map);
      }
    } finally {
      await stack.close();
    }
  }
}

function lacksProof(planned: LayerFile, now: LayerFile): boolean {
  return now.provesTables === true && planned.provesTables !== true;
}

/** What was healed since is the same with another stamp. */
function stampedAnew(
  disks: readonly DiskPlan[],
  now: ReadonlyMap<string, readonly LayerFile[]>,
): DiskPlan[] {
  return disks.map((planned) => ({
    ...planned,
    layers: planned.layers.map((layer, i) => {
      const file = now.get(planned.disk)![i]!;
      const { stamp, tableDigest, provesTables } = file;
      return { ...layer, stamp, ...(lacksProof(layer, file) ? { tableDigest, provesTables } : {}) };
    }),
  }));
}

async function work(
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const disks = await copyWork(target, staging, plan);
  return { reference: { token: plan.token, epoch: plan.epoch }, disks };
}
