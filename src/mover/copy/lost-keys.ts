import { availablePoints, type ChainRecord } from '../../chain/chain-record.js';
import { isBackupError } from '../../domain/errors.js';
import { markedWithoutKeys } from '../../domain/targets/lost-keys.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { Dialect } from '../../image/disk-image.js';
import { readLayerHead, readTargetHead, type LayerFile } from '../blocks/layer-file.js';
import type { DiskPlan } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { targetLayersOf } from './scan-plan.js';

/** Copies of encrypted disks that have none of the lines by which their keys are found: builds before 29 November 2026 kept none. Copies of a disk that was
 *  plain then and is encrypted now have none either, and need none: nothing that is recorded tells one from the other. */

interface Place {
  readonly targetRepositoryId: string;
  readonly chain: string;
}

/** The full that the copy of a disk builds on; undefined: there is no copy of it. */
export function fullBelow(
  place: Place,
  record: ChainRecord,
  parent: TargetRestorePoint | null,
  disk: string,
): LayerFile | undefined {
  return parent === null ? undefined : targetLayersOf(record, place, parent.id, disk).at(-1);
}

/** Whether nothing is to build on a full: the disk is encrypted and the full has no keys, so whoever looks at the files of the chain takes all of it for a plain disk.
 *  @param dialect of the disk as its source shows it now
 *  @throws IMAGE_…, FILE_MISSING */
export async function lacksKeysOf(
  context: MoverContext,
  full: LayerFile | undefined,
  dialect: Dialect,
): Promise<boolean> {
  if (!isEncrypted(dialect) || full === undefined) return false;
  return !isEncrypted((await readLayerHead(context, full)).dialect);
}

/** What is said of copies of encrypted disks that have no keys. */
export interface LostKeys {
  readonly text: string;
  /** One of the disks begins a chain anew, so that it is told for the first time, or again. */
  readonly isNew: boolean;
}

/** @param disks as they are planned to be copied
 *  @returns null: all copies have the keys of their disks, as far as they can be read, or the disks are not encrypted */
export async function lostKeysOf(
  context: MoverContext,
  place: Place,
  record: ChainRecord,
  disks: readonly Pick<DiskPlan, 'disk' | 'dialect' | 'format' | 'kind'>[],
): Promise<LostKeys | null> {
  const texts: string[] = [];
  let isNew = false;
  for (const planned of disks.filter(({ dialect }) => isEncrypted(dialect))) {
    const without: string[] = [];
    for (const point of availablePoints(record))
      if (await lacksKeysIn(context, place, point, planned)) without.push(point.id);
    if (without.length === 0) continue;
    isNew ||= planned.kind === 'full';
    texts.push(textOf(planned.disk, without));
  }
  return texts.length === 0 ? null : { text: texts.join('; '), isNew };
}

/** The points of the record, each file marked that lacks the keys of its disk.
 *  @param disks as they are planned to be copied */
export async function withLostKeys(
  context: MoverContext,
  place: Place,
  record: ChainRecord,
  disks: readonly Pick<DiskPlan, 'disk' | 'dialect' | 'format'>[],
): Promise<ChainRecord['points']> {
  const encrypted = disks.filter(({ dialect }) => isEncrypted(dialect));
  if (encrypted.length === 0) return record.points;
  const points: TargetRestorePoint[] = [];
  for (const point of record.points) {
    const without: string[] = [];
    for (const planned of point.state === 'available' ? encrypted : [])
      if (await lacksKeysIn(context, place, point, planned)) without.push(planned.disk);
    points.push(
      without.length === 0 ? point : { ...point, disks: markedWithoutKeys(point.disks, without) },
    );
  }
  return points;
}

async function lacksKeysIn(
  context: MoverContext,
  place: Place,
  { disks }: Pick<TargetRestorePoint, 'disks'>,
  { disk, format }: Pick<DiskPlan, 'disk' | 'format'>,
): Promise<boolean> {
  const file = disks.find((one) => one.disk === disk && one.format === format);
  if (file === undefined) return false;
  return file.lacksKeys === true || lacksKeys(context, place, file);
}

/** @param points oldest first */
function textOf(disk: string, points: readonly string[]): string {
  const [first = '', ...others] = points;
  const which =
    others.length === 0
      ? `restore point ${first} has`
      : `restore points ${first} to ${others.at(-1)} (${points.length}) have`;
  return `disk ${disk} is encrypted, and ${which} none of the lines by which its keys are found: what was copied before the disk was encrypted needs none; what an earlier build copied after that is noise if restored alone. Keep a later copy, or the descriptor of the disk, for as long as you keep them`;
}

/** One that cannot be read is told by its health. */
async function lacksKeys(context: MoverContext, place: Place, file: TargetDisk): Promise<boolean> {
  try {
    return !isEncrypted((await readTargetHead(context, place, file)).dialect);
  } catch (error) {
    if (isBackupError(error)) return false;
    throw error;
  }
}

function isEncrypted(dialect: Dialect): boolean {
  return dialect['encryption'] !== undefined;
}
