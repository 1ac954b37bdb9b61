import type { ChainRecord } from '../../chain/chain-record.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { imageFormat } from '../../image/formats.js';
import { heldDiskNames, unreadDiskNames } from '../blocks/layer-file.js';
import type { WithinFile } from '../change/plan-full.js';
import { targetLayersOf } from '../copy/scan-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import type { PointRestore } from './point-restore.js';

/** What is restored of a point. */
export interface WantedDisks {
  /** Its own; large companions too. */
  readonly disks: readonly TargetDisk[];
  /** Disks within files that are kept as they are (archives, packages, streams), by the name of that file in the point. None when files of the format of
   *  the copy are wanted. */
  readonly within: ReadonlyMap<string, readonly WithinFile[]>;
}

/** Companions come with files of the point's own format, and stay behind when disks are restored as raw ones. The bytes of an archive under a name that
 *  ends in `.raw` would be taken for a disk: the disks within it are what is meant.
 *  @throws RESTORE_FORMAT_UNSUITED when a file holds none that can be told, or what may be a disk and is not read, or two disks have one name; REQUEST_INVALID when there
 *  is none of a wanted name, IMAGE_…, BLOCK_DIGEST_MISMATCH */
export async function wantedDisks(
  context: MoverContext,
  input: PointRestore,
  record: ChainRecord,
  point: TargetRestorePoint,
): Promise<WantedDisks> {
  const { disks: names, format } = input;
  if (format === 'same') {
    assertNames(
      names,
      point.disks.filter(({ isCompanion }) => isCompanion !== true),
    );
    const isWanted = ({ disk, isCompanion }: TargetDisk) =>
      isCompanion === true || (names?.includes(disk) ?? true);
    return { disks: point.disks.filter(isWanted), within: new Map() };
  }
  const own = point.disks.filter(({ isCompanion }) => isCompanion !== true);
  const plain = own.filter((disk) => imageFormat(disk.format).isOpaque !== true);
  const within = new Map<string, readonly WithinFile[]>();
  // What is wanted under a name that the point does not know may lie in any of its files.
  const isSought = names?.some((name) => !own.some(({ disk }) => disk === name)) ?? true;
  for (const file of own) {
    if (plain.includes(file) || !(isSought || names?.includes(file.disk))) continue;
    const isNamed = names === null || names.includes(file.disk);
    const { held, unread } = await disksWithin(context, input, record, point, file);
    if (held.length === 0 && isNamed) throw unsuited(file);
    const leftOut = isNamed ? unread : unread.filter((name) => names.includes(name));
    if (leftOut.length > 0) throw inPart(file, leftOut, held);
    within.set(file.disk, held);
  }
  assertNames(names, [...own, ...[...within.values()].flat()]);
  assertApart([...plain, ...[...within.values()].flat()], point.id);
  const isWanted = (disk: string) => names?.includes(disk) ?? true;
  const chosen = [...within].flatMap(([file, held]): [string, readonly WithinFile[]][] => {
    const some = isWanted(file) ? held : held.filter(({ disk }) => isWanted(disk));
    return some.length === 0 ? [] : [[file, some]];
  });
  return { disks: plain.filter(({ disk }) => isWanted(disk)), within: new Map(chosen) };
}

interface DisksWithin {
  /** Empty: none that could be told. */
  readonly held: readonly WithinFile[];
  /** Names of what may be a disk, too. */
  readonly unread: readonly string[];
}

async function disksWithin(
  context: MoverContext,
  { repositoryId, chain }: PointRestore,
  record: ChainRecord,
  point: TargetRestorePoint,
  { disk }: TargetDisk,
): Promise<DisksWithin> {
  const place = { targetRepositoryId: repositoryId, chain };
  const [layer] = targetLayersOf(record, place, point.id, disk);
  if (layer === undefined) return { held: [], unread: [] };
  const names = (await heldDiskNames(context, layer)) ?? [];
  return {
    held: names.map((name) => ({ disk: name ?? disk, within: { name } })),
    unread: await unreadDiskNames(context, layer),
  };
}

/** Each becomes a file of its name: of two that have one, one would be left out.
 *  @throws RESTORE_FORMAT_UNSUITED */
function assertApart(disks: readonly { readonly disk: string }[], pointId: string): void {
  const names = disks.map(({ disk }) => disk);
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice === undefined) return;
  throw new BackupError(
    'RESTORE_FORMAT_UNSUITED',
    `the files of ${pointId} hold two disks of the name ${JSON.stringify(twice)}, which cannot be told apart`,
    { details: { disk: twice } },
  );
}

/** @throws REQUEST_INVALID */
function assertNames(
  names: readonly string[] | null,
  disks: readonly { readonly disk: string }[],
): void {
  const known = disks.map(({ disk }) => disk);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new BackupError(
    'REQUEST_INVALID',
    `the restore point has no disk ${JSON.stringify(unknown)}; it has ${known.join(', ')}`,
    { details: { disk: unknown }, hint: 'Name one of those, or leave --disk out for all.' },
  );
}

function unsuited({ disk, format, path }: TargetDisk): BackupError {
  return new BackupError(
    'RESTORE_FORMAT_UNSUITED',
    `the copy of ${disk} is a file of the format ${format}, which is kept as it is and no disk, and none is found in it`,
    { details: { disk, path } },
  );
}

/** @param leftOut names of what would be missing in the end
 *  @param held what is there to be named */
function inPart(
  { disk, path }: TargetDisk,
  leftOut: readonly string[],
  held: readonly WithinFile[],
): BackupError {
  const names = (of: readonly string[]): string =>
    of.map((name) => JSON.stringify(name)).join(', ');
  const others =
    held.length === 0 ? '' : `Restore ${names(held.map((one) => one.disk))} by name, and the`;
  return new BackupError(
    'RESTORE_FORMAT_UNSUITED',
    `the copy of ${disk} holds ${names(leftOut)}, which may be a disk and is not read where it lies (it is packed, in parts, or of a format that is not known)`,
    {
      details: { disk, path },
      hint: `${others === '' ? 'Restore the' : others} whole file with --format same, and unpack what is in it.`,
    },
  );
}
