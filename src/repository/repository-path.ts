import { compareBytes } from '../domain/byte-order.js';
import { BackupError } from '../domain/errors.js';

/** Longest name that the file systems in use take (NAME_MAX of Linux), in bytes of UTF-8. */
export const MAX_SEGMENT_BYTES = 255;

/** Segments of the path of a file or folder, at least one. Nothing that they name can lie outside the repository.
 *  @throws PATH_FORBIDDEN for an empty path, an absolute one, and any segment that `isSegment` refuses */
export function pathSegments(path: string): string[] {
  const segments = path.split('/');
  const forbidden = segments.find((segment) => !isSegment(segment));
  if (forbidden !== undefined) {
    throw new BackupError(
      'PATH_FORBIDDEN',
      `The path ${quoted(path)} may not be used: ${forbidden === '' ? 'it is empty, absolute or has an empty part' : `it has the part ${quoted(forbidden)}`}.`,
      { details: { path } },
    );
  }
  return segments;
}

/** Segments of a folder; `''` is the root and has none.
 *  @throws PATH_FORBIDDEN as `pathSegments` */
export function folderSegments(folder: string): string[] {
  return folder === '' ? [] : pathSegments(folder);
}

/** Whether a name can be one part of a path. A lone surrogate is refused because two of them would be written as the same bytes. */
export function isSegment(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  if (name.length <= MAX_SEGMENT_BYTES && PLAIN.test(name)) return true;
  return !/[/\\\0]|\p{Surrogate}/u.test(name) && Buffer.byteLength(name) <= MAX_SEGMENT_BYTES;
}

/** Printable ASCII without the slash and the backslash: what nearly all names are, and quickly told. */
const PLAIN = /^[ -.0-[\]-~]+$/;

/** Folder that holds `path`; `''` for a name in the root. */
export function parentFolder(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The name that a path ends in. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Order of the entries of a folder: by the bytes of their paths, in which a folder's name ends in `/`. So whoever goes through a tree, each
 *  folder where it stands, meets its files in the order of their whole paths, in which object stores list them. */
export function entryOrder(
  a: { readonly name: string; readonly type: string },
  b: { readonly name: string; readonly type: string },
): number {
  return compareBytes(orderedName(a), orderedName(b));
}

function orderedName({ name, type }: { readonly name: string; readonly type: string }): string {
  return type === 'folder' ? `${name}/` : name;
}

/** For messages: names come from backups and may hold control characters. */
export function quoted(path: string): string {
  return JSON.stringify(path);
}

/** Longhaul's own folder in the root of a target (FORMAT.md, Layout). */
export const OWN_FOLDER = '.longhaul';
