import { hash } from 'node:crypto';
import { diskFileName, relativeParentLink } from '../../chain/chain-paths.js';
import { BackupError } from '../../domain/errors.js';
import type { FileTraits } from '../../domain/sources/source-workload.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { PLAIN_DIALECT, type Dialect } from '../../image/disk-image.js';
import { fullFormat, type ComposedFormat } from '../../image/formats.js';
import type { FileParent } from '../../image/image-format.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { ImageStack } from '../blocks/image-stack.js';
import { readTargetHead, type LayerFile } from '../blocks/layer-file.js';
import type { DiskPlan } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { assertCopyable, assertFits } from './disk-limit.js';
import { formatOnParent } from './increment-parent.js';
import { lacksKeysOf } from './lost-keys.js';
import { listPlannedBlocks, type ChangeSource } from './planned-blocks.js';

/** Where to look for what changed since the target's newest point: everything stored, the source's increments, or the blocks' digests. */
export type ChangedBy = 'all' | 'lineage' | 'digest';

interface PlanDiskInput {
  readonly target: BackupRepository;
  readonly chain: string;
  readonly staging: string;
  readonly token: string;
  readonly disk: string;
  readonly layers: readonly { restorePointId: string; file: LayerFile }[];
  readonly parent: TargetRestorePoint | null;
  /** `fullBelow` of the disk in it. */
  readonly parentFull?: LayerFile | undefined;
  readonly changedBy: ChangedBy;
  readonly lineageFrom: string | null;
  /** Of the comparison of this disk; null: there is none. */
  readonly scanToken: string | null;
}

/** Plans the copy of one disk into the staging folder: which blocks go into its file, and what kind of file that is.
 *  @throws SOURCE_CHANGED, RESTORE_POINT_BROKEN, DISK_TOO_LARGE, IMAGE_… */
export async function planDisk(context: MoverContext, input: PlanDiskInput): Promise<DiskPlan> {
  const files = input.layers.map(({ file }) => file);
  const stack = await ImageStack.open(context, files, 1);
  try {
    const { format: sourceFormat } = files[0]!;
    const { dialect, virtualSizeBytes } = stack;
    const parentDisk = await parentDiskOf(context, input, dialect);
    const copied = { format: sourceFormat, dialect, virtualSizeBytes };
    const increment = parentDisk === undefined ? null : formatOnParent(copied, parentDisk);
    const changes = changeSource(input, increment !== null);
    const isFull = changes.type === 'all';
    const kind = isFull ? 'full' : 'increment';
    const format = isFull ? fullFormat(sourceFormat, dialect, virtualSizeBytes) : increment!;
    // The layer below those that are looked at is what they are an increment to.
    await stack.ensure(changes.type === 'lineage' ? changes.layerLimit + 1 : files.length);
    assertCopyable(stack, format);
    const file = fileOf(input, format, stack);
    const parent = isFull ? null : await fileParent(context, input, parentDisk!);
    const lists = await listPlannedBlocks(context, {
      target: input.target,
      staging: input.staging,
      token: input.token,
      disk: input.disk,
      stack,
      changes,
      traits: format.composer.traits(file.dialect, kind),
    });
    await stack.assertUnchanged(context);
    const layers = stack.planned(files);
    const plan: DiskPlan = { ...file, kind, parent, linkId: null, layers, ...lists };
    assertFits(input.target, format, plan);
    return plan;
  } finally {
    await stack.close();
  }
}

/** The file that an increment of the disk may build on; undefined: there is none, and it begins anew as a full. */
async function parentDiskOf(
  context: MoverContext,
  { parent, parentFull, disk }: PlanDiskInput,
  dialect: Dialect,
): Promise<TargetDisk | undefined> {
  const found = parent?.disks.find((entry) => entry.disk === disk);
  if (found === undefined || (await lacksKeysOf(context, parentFull, dialect))) return undefined;
  return found;
}

/** What a restore in the layout of its tool gives under the name of the disk: its own format, where its size alone has another one kept. */
export function restoredAs(
  traits: FileTraits,
  {
    layers,
    virtualSizeBytes,
  }: Pick<DiskPlan, 'virtualSizeBytes'> & {
    readonly layers: readonly Pick<DiskPlan['layers'][number], 'format'>[];
  },
): FileTraits {
  if (traits.as === undefined || traits.asFormat !== undefined) return traits;
  const { format } = layers[0]!;
  const own = fullFormat(format, PLAIN_DIALECT).id;
  const isKept = fullFormat(format, PLAIN_DIALECT, virtualSizeBytes).id === own;
  return isKept ? traits : { ...traits, asFormat: own };
}

/** What is known of a file before its blocks are listed. */
export function fileOf(
  { token, disk }: { readonly token: string; readonly disk: string },
  format: ComposedFormat,
  stack: ImageStack,
): Pick<
  DiskPlan,
  'disk' | 'virtualSizeBytes' | 'format' | 'fileName' | 'dialect' | 'seed' | 'copiesPrefixes'
> {
  return {
    disk,
    virtualSizeBytes: stack.virtualSizeBytes,
    format: format.id,
    fileName: diskFileName(disk, format.extension),
    dialect: stack.dialectFor(format.id),
    seed: hash('sha256', `${token} ${disk}`, 'hex').slice(0, SEED_DIGITS),
    ...(format.composer.prefixes === undefined ? {} : { copiesPrefixes: true }),
  };
}

const SEED_DIGITS = 32;

async function fileParent(
  context: MoverContext,
  { target, chain }: PlanDiskInput,
  disk: TargetDisk,
): Promise<FileParent> {
  const place = { targetRepositoryId: target.id, chain };
  const { linkId, virtualSizeBytes } = await readTargetHead(context, place, disk);
  const { format, path } = disk;
  return { link: relativeParentLink(path), format, linkId, virtualSizeBytes };
}

function changeSource(input: PlanDiskInput, hasParentDisk: boolean): ChangeSource {
  if (!hasParentDisk || input.changedBy === 'all') return { type: 'all' };
  if (input.scanToken !== null) return { type: 'compared', token: input.scanToken };
  const layerLimit = input.layers.findIndex(
    ({ restorePointId }) => restorePointId === input.lineageFrom,
  );
  if (layerLimit < 0)
    throw new BackupError(
      'RESTORE_POINT_BROKEN',
      `disk ${input.disk} does not descend from restore point ${input.lineageFrom ?? ''}`,
      { details: { disk: input.disk } },
    );
  return { type: 'lineage', layerLimit };
}
