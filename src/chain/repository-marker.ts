import { randomUUID } from 'node:crypto';
import { isBackupError } from '../domain/errors.js';
import { listOf, object, optional, type Shape } from '../domain/json-shape.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable, readWholeFile, replaceFile } from '../repository/replace-file.js';
import { OWN_FOLDER } from '../repository/repository-path.js';
import { parseJson } from './json-file.js';

/** Tells a target apart from every other folder, also through another path or in a copy (docs/FORMAT.md, Marker). */
export const MARKER_PATH = `${OWN_FOLDER}/repository.json`;

const MAX_MARKER_BYTES = 64 * 1024;

/** How long a marker that another process has begun may take to be whole. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 50;

export interface Marker {
  /** Random UUID. */
  readonly id: string;
  /** Ids of targets in whose place the operator has put this one. Absent: none. */
  readonly replaces?: readonly string[];
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const uuid: Shape<string> = (value) =>
  typeof value === 'string' && UUID.test(value) ? null : ' is not a UUID';

const MARKER: Shape<Marker> = object<Marker>({ id: uuid, replaces: optional(listOf(uuid)) });

/** Marker of the target that lies in this folder; null: there was never one, or its marker is gone.
 *  @throws METADATA_CORRUPT */
export async function readMarker(repository: BackupRepository): Promise<Marker | null> {
  const bytes = await readWholeFile(repository, MARKER_PATH, MAX_MARKER_BYTES);
  return bytes === null ? null : parseJson(bytes, MARKER_PATH, MARKER);
}

/** Says in the target itself, for every process that meets it, that it stands in the place of others; it is marked when it was not.
 *  @returns the marker, durable */
export async function markAsReplacement(
  repository: BackupRepository,
  replaced: readonly string[],
): Promise<Marker> {
  const id = await markRepository(repository);
  const known = (await readMarker(repository))?.replaces ?? [];
  const replaces = [...new Set([...known, ...replaced])].filter((other) => other !== id);
  const marker: Marker = { id, replaces };
  await replaceFile(repository, MARKER_PATH, bytesOf(marker));
  return marker;
}

/** Marks the folder as a target; one that is marked keeps its id. Durable when it returns. Several may do so at once: the first to take the
 *  name decides, and a marker that stays unfinished (its writer was stopped) is made anew.
 *  @returns the id */
export async function markRepository(repository: BackupRepository): Promise<string> {
  const marked = await readMarkerUnlessDamaged(repository);
  if (marked !== null) return marked;
  await makeFolderDurable(repository, OWN_FOLDER);
  const marker: Marker = { id: randomUUID() };
  const bytes = bytesOf(marker);
  if (await writeFirst(repository, bytes)) return marker.id;
  for (let look = 0; look < LOOKS; look += 1) {
    const id = await readMarkerUnlessDamaged(repository);
    if (id !== null) return id;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  await replaceFile(repository, MARKER_PATH, bytes);
  return marker.id;
}

function bytesOf(marker: Marker): Buffer {
  return Buffer.from(`${JSON.stringify(marker)}\n`);
}

/** false: the name is taken. */
async function writeFirst(repository: BackupRepository, bytes: Buffer): Promise<boolean> {
  let file;
  try {
    file = await repository.openWrite(MARKER_PATH, 'new');
  } catch (error) {
    if (isBackupError(error, 'FILE_EXISTS')) return false;
    throw error;
  }
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await repository.syncFolder(OWN_FOLDER);
  return true;
}

async function readMarkerUnlessDamaged(repository: BackupRepository): Promise<string | null> {
  try {
    return (await readMarker(repository))?.id ?? null;
  } catch (error) {
    if (isBackupError(error, 'METADATA_CORRUPT')) return null;
    throw error;
  }
}
