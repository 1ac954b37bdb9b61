import { hash, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { BackupError, isBackupError } from '../domain/errors.js';
import { listOf, object, optional, text, type Shape } from '../domain/json-shape.js';
import type { BackupRepository, RepositoryEntry, SourceRepository } from './backup-repository.js';
import { readWholeFile } from './replace-file.js';
import { OWN_FOLDER } from './repository-path.js';
import { isFileUnread } from './unread-file.js';
import { parseJson } from './json-file.js';

/** Tells a target apart from every other folder, also through another path or in a copy (docs/FORMAT.md, Marker). */
export const MARKER_PATH = `${OWN_FOLDER}/repository.json`;

const MAX_MARKER_BYTES = 64 * 1024;

/** How long a marker that another process has begun may take to be whole. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 50;

export interface Marker {
  /** UUID. */
  readonly id: string;
  /** Ids of targets in whose place the operator has put this one. Absent: none. */
  readonly replaces?: readonly string[];
  /** Ids of other targets that it was, and may be taken for, under the name of one repository alone. Absent: none. */
  readonly copyOf?: readonly CopyOf[];
}

interface CopyOf {
  readonly id: string;
  /** Id of the repository. */
  readonly as: string;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const uuid: Shape<string> = (value) =>
  typeof value === 'string' && UUID.test(value) ? null : ' is not a UUID';

const MARKER: Shape<Marker> = object<Marker>({
  id: uuid,
  replaces: optional(listOf(uuid)),
  copyOf: optional(listOf(object<CopyOf>({ id: uuid, as: text }))),
});

/** Marker of the target that lies in this folder; null: there was never one, or its marker is gone.
 *  @throws METADATA_CORRUPT */
export async function readMarker(repository: SourceRepository): Promise<Marker | null> {
  try {
    const bytes = await readWholeFile(repository, MARKER_PATH, MAX_MARKER_BYTES);
    return bytes === null ? null : parseJson(bytes, MARKER_PATH, MARKER);
  } catch (error) {
    if (!isBackupError(error, 'FILE_TOO_LARGE')) throw error;
    const { message, details } = error;
    throw new BackupError('METADATA_CORRUPT', message, { details, cause: error });
  }
}

/** Whether it lies where the storage cannot read: then it is worth as much as a damaged one, until the operator says so. */
export async function isMarkerUnread(repository: SourceRepository): Promise<boolean> {
  try {
    await readMarker(repository);
    return false;
  } catch (error) {
    return isFileUnread(repository, MARKER_PATH, error);
  }
}

/** Says in the target itself, for every process that meets it, that it stands in the place of others; it is marked when it was not.
 *  @param copyOf those that there are elsewhere, too
 *  @returns the marker, durable */
export async function markAsReplacement(
  repository: BackupRepository,
  replaced: readonly string[],
  copyOf: readonly CopyOf[],
): Promise<Marker> {
  // Written anew by nobody but who was told to: it may be read at another time, and others know the target by it.
  if (await isMarkerUnread(repository)) await putMarker(repository, { id: randomUUID() });
  const id = await markRepository(repository);
  const known = await readMarker(repository);
  const replaces = new Set([...(known?.replaces ?? []), ...replaced]);
  const copies = [...(known?.copyOf ?? []), ...copyOf];
  for (const other of [id, ...copies.map((copy) => copy.id)]) replaces.delete(other);
  const marker: Marker = {
    id,
    ...(replaces.size === 0 ? {} : { replaces: [...replaces] }),
    ...(copies.length === 0 ? {} : { copyOf: copies }),
  };
  await putMarker(repository, marker);
  return marker;
}

/** Gives a target that was copied a marker of its own. The one that it was copied from is not replaced by it.
 *  @param replaced what the target was before the copy was put in its place
 *  @returns the marker, durable */
export async function markAnew(
  repository: BackupRepository,
  copyOf: CopyOf,
  replaced: readonly string[],
): Promise<Marker> {
  const marker: Marker = {
    id: randomUUID(),
    ...(replaced.length === 0 ? {} : { replaces: replaced }),
    copyOf: [copyOf],
  };
  await putMarker(repository, marker);
  return marker;
}

/** Marks the folder as a target; one that is marked keeps its id. Durable when it returns, also what another process has written. Several
 *  may do so at once: the first to take the name decides, and a marker that stays unfinished (its writer was stopped) is made anew, with
 *  one id by all who do so.
 *  @returns the id */
export async function markRepository(repository: BackupRepository): Promise<string> {
  await repository.makePlace(OWN_FOLDER);
  if ((await readMarkerUnlessDamaged(repository)) === null)
    if (!(await repository.putNew(MARKER_PATH, bytesOf({ id: randomUUID() }))))
      await outwaitOrRemake(repository);
  return syncMarker(repository);
}

/** Who took the name may have been overtaken by others who thought that he had stopped: what is in place counts. */
async function syncMarker(repository: BackupRepository): Promise<string> {
  await repository.settle([MARKER_PATH]);
  const marker = await readMarker(repository);
  if (marker !== null) return marker.id;
  throw new BackupError('FILE_MISSING', `${MARKER_PATH} went away while it was made`, {
    details: { path: MARKER_PATH },
  });
}

async function outwaitOrRemake(repository: BackupRepository): Promise<void> {
  for (let look = 0; ; look += 1) {
    // Before the content: what is damaged after it was looked at is what was looked at.
    const entry = await repository.stat(MARKER_PATH);
    if ((await readMarkerUnlessDamaged(repository)) !== null) return;
    if (look >= LOOKS)
      return putMarker(repository, { id: entry === null ? randomUUID() : idAfter(entry) });
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/** The same for all who find this very file damaged: of two ids one would be remembered by some and be gone. UUID of version 8 (RFC 9562). */
function idAfter({ stamp }: RepositoryEntry): string {
  const { inode, sizeBytes, modifiedAtNs, changedAtNs } = stamp;
  const digits = hash('sha256', [inode, sizeBytes, modifiedAtNs, changedAtNs].join());
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}

/** Nothing keeps those apart who do so. */
function putMarker(repository: BackupRepository, marker: Marker): Promise<void> {
  return repository.put(MARKER_PATH, bytesOf(marker), { isShared: true });
}

function bytesOf(marker: Marker): Buffer {
  return Buffer.from(`${JSON.stringify(marker)}\n`);
}

async function readMarkerUnlessDamaged(repository: SourceRepository): Promise<string | null> {
  try {
    return (await readMarker(repository))?.id ?? null;
  } catch (error) {
    if (isBackupError(error, 'METADATA_CORRUPT')) return null;
    throw error;
  }
}
