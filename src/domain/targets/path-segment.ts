/** Names of folders in a target repository: one safe path segment for any workload or job name, and for a restore point's date. */

import { BackupError } from '../errors.js';

/** File systems allow 255 bytes; the rest is left for suffixes of temporary files. */
const MAX_SEGMENT_BYTES = 200;
const FINGERPRINT_CHARACTERS = 16;

/** One path segment of 1 to 200 bytes of `[A-Za-z0-9._%~-]`, different for every name, never starting or ending with a dot
 *  (hidden files; shares that drop a final one). Other characters are percent-encoded in UTF-8.
 *  A segment that would be longer is cut and ends in `~` and a fingerprint of the whole name. */
export function pathSegment(name: string): string {
  const encoded = encodeName(name);
  if (encoded.length <= MAX_SEGMENT_BYTES) return encoded;
  const head = encoded.slice(0, MAX_SEGMENT_BYTES - FINGERPRINT_CHARACTERS - 1);
  return `${head}~${fingerprint(encoded)}`;
}

/** Folder of a workload in that of its job: its `pathSegment`, or, where that is the name of something else there, the same with its first letter encoded, which no
 *  other name comes to. */
export function workloadSegment(workloadId: string): string {
  const segment = pathSegment(workloadId);
  if (!NAMES_IN_A_JOB.includes(segment.toLowerCase())) return segment;
  return `%${segment.charCodeAt(0).toString(16).toUpperCase()}${segment.slice(1)}`;
}

/** Its definition and the records of its sessions (FORMAT.md, Layout); some file systems take them in any case. */
const NAMES_IN_A_JOB: readonly string[] = ['job.json', 'sessions'];

/** The name that `pathSegment` made this of; null for a cut one and for what `pathSegment` never makes. */
export function nameOfPathSegment(segment: string): string | null {
  if (segment === EMPTY_NAME) return '';
  try {
    const name = segment.replaceAll(
      /%u(D[89A-F][0-9A-F]{2})|(?:%[0-9A-F]{2})+/g,
      (bytes, unit: string | undefined) =>
        unit === undefined
          ? decodeURIComponent(bytes)
          : String.fromCharCode(Number.parseInt(unit, 16)),
    );
    return pathSegment(name) === segment ? name : null;
  } catch {
    return null;
  }
}

/** Folder of a restore point, `2026-11-24T220000Z`: sorts by time, no colon (SMB refuses it). Milliseconds, where a source has any,
 *  follow the `Z`, because only there they sort right.
 *  @throws RESTORE_POINT_BROKEN for a date outside the years 0 to 9999 */
export function pointFolderName(createdAtMs: number): string {
  const instant = new Date(createdAtMs);
  const iso = Number.isNaN(instant.getTime()) ? '' : instant.toISOString();
  const match = /^(\d{4}-\d\d-\d\dT\d\d):(\d\d):(\d\d)\.(\d{3})Z$/.exec(iso);
  if (match === null) {
    throw new BackupError(
      'RESTORE_POINT_BROKEN',
      `a restore point is dated ${String(createdAtMs)} ms after 1970, which is outside the years 0 to 9999`,
    );
  }
  const [, hour = '', minute = '', second = '', milliseconds = ''] = match;
  return `${hour}${minute}${second}Z${milliseconds === '000' ? '' : `.${milliseconds}`}`;
}

/** Whether `pointFolderName` has a name for it. */
export function hasPointFolder(createdAtMs: number): boolean {
  const year = new Date(createdAtMs).getUTCFullYear();
  return year >= 0 && year <= 9999;
}

/** `pointFolderName` with a number behind it when a point has it already: two points of one second get different folders. */
export function newPointFolder(createdAtMs: number, isTaken: (name: string) => boolean): string {
  const name = pointFolderName(createdAtMs);
  for (let n = 1; ; n++) {
    const folder = n === 1 ? name : `${name}-${n}`;
    if (!isTaken(folder)) return folder;
  }
}

/** `createdAtMs` of a folder that `pointFolderName` named; null for any other name. */
export function createdAtOfPointFolder(folder: string): number | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d)(\d\d)(\d\d)Z(?:\.(\d{3}))?$/.exec(folder);
  if (match === null) return null;
  const [, hour = '', minute = '', second = '', milliseconds = '000'] = match;
  const createdAtMs = Date.parse(`${hour}:${minute}:${second}.${milliseconds}Z`);
  return !Number.isNaN(createdAtMs) && pointFolderName(createdAtMs) === folder ? createdAtMs : null;
}

/** A lone `%` cannot come from any other name: encoded characters have digits behind it. */
const EMPTY_NAME = '%';

function encodeName(name: string): string {
  if (name === '') return EMPTY_NAME;
  return [...name].map(encodeCharacter).join('').replace(/^\./, '%2E').replace(/\.$/, '%2E');
}

function encodeCharacter(character: string): string {
  if (/^[A-Za-z0-9._-]$/.test(character)) return character;
  // Half a surrogate pair has no UTF-8; two names that differ only in such a half must still differ.
  if (/^[\uD800-\uDFFF]$/.test(character)) {
    return `%u${character.charCodeAt(0).toString(16).toUpperCase()}`;
  }
  // encodeURIComponent leaves !'()*~ alone.
  return encodeURIComponent(character).replaceAll(
    /[^A-Za-z0-9%]/g,
    (left) => `%${left.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** FNV-1a, 64 bit, of ASCII text. Not a cryptographic hash: workflows have none in their sandbox, names are chosen by an administrator
 *  and not by an attacker, and a chain's commit record names its workload, so that even a collision is refused and not mixed. */
export function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(FINGERPRINT_CHARACTERS, '0');
}
