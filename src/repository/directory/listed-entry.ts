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
  /** Path for one call. */
  in(place: NamePlace): string | Buffer;
}

/** @param listed as `FileCalls.listNames` gives it */
export function listedName(listed: string): ListedName {
  if (PRINTABLE_ASCII.test(listed)) return addressedName(listed);
  const bytes = Buffer.from(listed, 'latin1');
  if (isUtf8(bytes)) return addressedName(bytes.toString('utf8'));
  const path = (place: NamePlace) => Buffer.concat([Buffer.from(place.at('')), bytes]);
  return { name: escapedName(listed), isAddressable: false, in: path };
}

const PRINTABLE_ASCII = /^[ -~]+$/;

function addressedName(name: string): ListedName {
  return { name, isAddressable: isSegment(name), in: (place) => place.at(name) };
}

export function entryOf(
  folder: string,
  { name, isAddressable }: ListedName,
  stats: BigIntStats,
): RepositoryEntry {
  const type = typeOf(stats);
  const path = joinPath(folder, name);
  if (isAddressable || type === 'other') return { name, path, ...factsOf(stats), type };
  return { name, path, ...factsOf(stats), type: 'other', unaddressable: type };
}

/** A name that is not UTF-8, as people can read and tell it: every byte beyond ASCII as `\xNN`. */
function escapedName(listed: string): string {
  return listed.replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

export function typeOf(stats: BigIntStats): RepositoryEntry['type'] {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'folder' : 'other';
}

export function factsOf(stats: BigIntStats): Pick<RepositoryEntry, 'stamp' | 'mode'> {
  return { stamp: fileStamp(stats), mode: modeOf(stats) };
}
