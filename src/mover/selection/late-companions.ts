import type { SourceCompanion } from '../../domain/sources/source-workload.js';
import type { IdentifiedPoint } from '../../domain/sources/source-identity.js';
import type { TargetCompanion, TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { Digest } from '../../domain/targets/digest.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import { placesInTree } from '../../domain/trees/tree-path.js';
import { isOfOnePlace } from '../../layout/unread-place.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { contentDigest } from '../blocks/file-digest.js';
import type { TaskControl } from '../task/task-control.js';

/** Names in a sentence; the source has the rest. */
const MAX_NAMED = 3;

/** What of the newest copied point came, or was written to, after it was copied and is no disk (its machine description, an OVF, notes), in words for
 *  people. What proves a point to be copied are its disks, and a copy is never changed: such a file is in no copy, and nothing else would say so.
 *
 *  Of the newest one alone, and of files that belong to no other point: what a tool keeps once for all points (a description that it writes anew with each
 *  backup) is the next one's. Looks at these few files, and reads those whose stamps prove nothing. */
export async function lateCompanions(
  control: TaskControl,
  repository: SourceRepository,
  current: readonly IdentifiedPoint[],
  copied: readonly TargetRestorePoint[],
): Promise<string[]> {
  const point = current.findLast(({ identity }) => identity.is === 'copied');
  const copiedId = point?.identity.is === 'copied' ? point.identity.copiedId : null;
  const copy = copied.find(({ id }) => id === copiedId);
  if (point === undefined || copy === undefined) return [];
  const kept = keptFiles(copy);
  const ofOthers = new Set(
    current.flatMap((other) => (other === point ? [] : other.companions.map(({ path }) => path))),
  );
  const places = placesInTree([...point.disks, ...point.companions]).slice(point.disks.length);
  const came: string[] = [];
  const written: string[] = [];
  for (const [index, companion] of point.companions.entries()) {
    if (ofOthers.has(companion.path)) continue;
    const place = places[index]!;
    const file = kept.get(place);
    if (file === undefined) came.push(place);
    else if (await isWritten(control, repository, companion, file)) written.push(place);
  }
  const since = `after it was copied at ${copy.copiedAt}`;
  return [
    ...(came.length === 0 ? [] : [`${named(came)} came ${since}: the copy is without`]),
    ...(written.length === 0
      ? []
      : [`${named(written)} changed ${since}; the copy has the old one`]),
  ].map(
    (what) =>
      `restore point ${point.id}: ${what}. Its disks are whole. \`longhaul copy once\` copies the point as it is now`,
  );
}

type KeptCompanion = Pick<TargetCompanion, 'sizeBytes' | 'modifiedAtNs'> & {
  /** Absent: it was copied like a disk. */
  readonly digest?: Digest;
};

/** By the place in the tree of the point. */
function keptFiles({ companions, disks }: TargetRestorePoint): Map<string, KeptCompanion> {
  const large = disks
    .filter(({ isCompanion }) => isCompanion === true)
    .map(({ as, sizeBytes, modifiedAtNs }) => ({ as, sizeBytes, modifiedAtNs }));
  return new Map(
    [...companions, ...large].flatMap((file) => (file.as === undefined ? [] : [[file.as, file]])),
  );
}

/** Of what went meanwhile, or cannot be looked at, nothing is known: what is only told must not keep the points of its machine from being copied. */
async function isWritten(
  control: TaskControl,
  repository: SourceRepository,
  companion: SourceCompanion,
  kept: KeptCompanion,
): Promise<boolean> {
  const { digest } = companion;
  if (digest !== undefined && kept.digest !== undefined) return digest !== kept.digest;
  try {
    return await isOther(control, repository, companion, kept);
  } catch (error) {
    if (isOfOnePlace(error)) return false;
    throw error;
  }
}

async function isOther(
  control: TaskControl,
  repository: SourceRepository,
  { path, modifiedAtNs }: SourceCompanion,
  kept: KeptCompanion,
): Promise<boolean> {
  const entry = await repository.stat(path);
  if (entry === null) return false;
  if (entry.stamp.sizeBytes !== kept.sizeBytes) return true;
  const { stampsProve } = repository.capabilities;
  const hasOtherTime =
    kept.modifiedAtNs !== undefined &&
    (modifiedAtNs ?? entry.stamp.modifiedAtNs) !== kept.modifiedAtNs;
  if (stampsProve && !hasOtherTime) return false;
  // Another time alone, or one that a mount tells in its own way, says nothing of what is in it.
  const found = kept.digest === undefined ? null : await readable(control, repository, path);
  return found === null ? stampsProve : found !== kept.digest;
}

/** null: it cannot be read. @throws FILE_MISSING */
async function readable(
  control: TaskControl,
  repository: SourceRepository,
  path: string,
): Promise<Digest | null> {
  try {
    return await contentDigest(control, repository, path);
  } catch (error) {
    if (faultOfSourceFile(error) !== null) return null;
    throw error;
  }
}

function named(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return [...names.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more files`] : [])].join(', ');
}
