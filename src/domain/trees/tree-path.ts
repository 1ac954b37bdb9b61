/** Names that the files of a restore point have in the tree which its backup tool looks for (`restore --layout`). */

import { pathSegment } from '../targets/path-segment.js';
import type { FileTraits } from '../sources/source-workload.js';
import type { StorageAbilities } from '../targets/storage-probe.js';

/** Longest name that the file systems in use take, in bytes of UTF-8. */
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 1_024;

/** Why a path cannot be one of a tree, as words that follow it; null: it can. A tree may be put on any file system, and what names its files was
 *  read from a backup: so nothing absolute, no part that is empty, `.` or `..`, no `\` or control character, no lone half of a surrogate pair. */
export function treePathFault(path: string): string | null {
  if (byteLength(path) > MAX_PATH_BYTES) return `has more than ${MAX_PATH_BYTES} bytes`;
  for (const part of path.split('/')) {
    if (part === '') return 'is empty, absolute or has an empty part';
    if (part === '.' || part === '..') return `has the part "${part}"`;
    if (FORBIDDEN.test(part)) return 'has a character that no name may have';
    if (byteLength(part) > MAX_NAME_BYTES) return `has a part of more than ${MAX_NAME_BYTES} bytes`;
  }
  return null;
}

const FORBIDDEN = /[\\\p{Cc}\p{Surrogate}\u2028\u2029]/u;

/** What keeps these paths from lying in one tree, whether it tells upper from lower case or not; null: nothing. */
export function treeFault(paths: readonly string[]): string | null {
  const files = new Map<string, string>();
  for (const path of paths) {
    const fault = treePathFault(path);
    if (fault !== null) return `the name ${JSON.stringify(path)} ${fault}`;
    const known = files.get(foldedName(path));
    if (known !== undefined)
      return `two of its files have the names ${JSON.stringify(known)} and ${JSON.stringify(path)}`;
    files.set(foldedName(path), path);
  }
  for (const path of paths)
    for (const folder of foldersOf(path)) {
      const file = files.get(foldedName(folder));
      if (file !== undefined)
        return `${JSON.stringify(file)} is one of its files, and a folder in ${JSON.stringify(path)}`;
    }
  return null;
}

/** Of each file, in their order, where it lies in the tree: `as`, or the last part of `path` with what no name may have encoded, and a number before it
 *  when another file has that name already. Sound (`treeFault`) when the names given by `as` are. */
export function placesInTree(
  files: readonly { readonly as?: FileTraits['as'] | undefined; readonly path: string }[],
): string[] {
  const given = files.flatMap(({ as }) => as ?? []);
  const taken = new Set(
    given.flatMap((path) => [path, ...foldersOf(path)]).map((path) => foldedName(path)),
  );
  return files.map(({ as, path }) => {
    if (as !== undefined) return as;
    const base = path.slice(path.lastIndexOf('/') + 1);
    const name = treePathFault(base) === null ? base : pathSegment(base);
    let place = name;
    for (let n = 2; taken.has(foldedName(place)); n++) place = `${n}-${name}`;
    taken.add(foldedName(place));
    return place;
  });
}

/** Folders on the path, the outermost first. */
export function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Equal for names that a file system takes for one.
 *  @param told what it tells apart; absent: one that may be any */
export function foldedName(path: string, told: NamesTold = NOTHING_TOLD): string {
  const encoded = told.accentSensitive ? path : path.normalize('NFC');
  return told.caseSensitive ? encoded : encoded.toLowerCase();
}

/** By what two names of one folder may differ alone: case, or how their accents are encoded. */
export type NamesTold = Pick<StorageAbilities, 'caseSensitive' | 'accentSensitive'>;

const NOTHING_TOLD: NamesTold = { caseSensitive: false, accentSensitive: false };

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
