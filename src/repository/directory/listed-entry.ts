import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import type { RepositoryEntry } from '../backup-repository.js';
import { isSegment, joinPath } from '../repository-path.js';
import { fileStamp, modeOf } from './directory-file.js';
import type { NamePlace } from './open-folder.js';

export interface ListedName {
  readonly name: string;
  /** It can be part of a path. */
  readonly isAddressable: boolean;
  /** The name where it is no UTF-8, as the file system has it; null: it is, and `name` is all of it. */
  readonly bytes: Buffer | null;
}

/** Path of a name for one call. */
export function pathIn({ name, bytes }: ListedName, place: NamePlace): string | Buffer {
  return bytes === null ? place.at(name) : Buffer.concat([Buffer.from(place.at('')), bytes]);
}

/** @param listed as `FileCalls.listNames` gives it */
export function listedName(listed: string): ListedName {
  if (PRINTABLE_ASCII.test(listed)) return addressedName(listed);
  const bytes = Buffer.from(listed, 'latin1');
  if (isUtf8(bytes)) return addressedName(bytes.toString('utf8'));
  return { name: escapedName(listed), isAddressable: false, bytes };
}

const PRINTABLE_ASCII = /^[ -~]+$/;

function addressedName(name: string): ListedName {
  return { name, isAddressable: isSegment(name), bytes: null };
}

export function entryOf(
  folder: string,
  { name, isAddressable }: ListedName,
  stats: BigIntStats,
): RepositoryEntry {
  const type = typeOf(stats);
  const path = joinPath(folder, name);
  const { stamp, mode } = factsOf(stats);
  if (isAddressable || type === 'other') return { name, path, type, stamp, mode };
  return { name, path, type: 'other', stamp, mode, unaddressable: type };
}

/** A name that is not UTF-8, as people can read and tell it: every byte beyond ASCII as `\xNN`. */
function escapedName(listed: string): string {
  return listed.replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

export function typeOf(stats: BigIntStats): RepositoryEntry['type'] {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
}

export function factsOf(stats: BigIntStats): Required<Pick<RepositoryEntry, 'stamp' | 'mode'>> {
  return { stamp: fileStamp(stats), mode: modeOf(stats) };
}
