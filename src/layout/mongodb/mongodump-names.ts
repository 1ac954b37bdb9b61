import { parseDatedName } from '../names/dated-name.js';

/** Names of archives of `mongodump`: whoever runs it gives them. */

const ARCHIVE = /^(?<base>.+?)\.(?:archive|mongodump|agz)(?:\.(?:gz|zst|lz4))?$/i;
/** Anybody gives such names to what is packed: only what is in it tells. Segments of a write-ahead log come by the thousand. */
const PACKED = /^(?![0-9A-F]{24})(?<base>[^.]+(?:\.\d[-_\d]*)*|.*(?:mongo|dump).*)\.gz$/i;
const PACKED_MONGO = /^(?<base>.*mongo.*)\.(?:zst|lz4)$/i;
/** Or to what is not. */
const DUMP = /^(?<base>.+)\.dump$/i;
const MONGO = /^(?<base>.*mongo.*)\.(?:bin|bak|backup|out)$/i;
/** A date behind the ending, as rotating gives it. */
const ROTATED =
  /^(?<base>.+?)\.(?:archive|mongodump|agz|dump)(?:\.gz)?(?<date>[-_.]\d[-_.:T\d]*)$/i;
const BARE = /^(?![0-9A-F]{24})[^.]+(?:\.\d[-_\d]*)?$/i;
const WORD = /mongo|dump/i;

/** The name says that it is an archive. */
export function isArchiveName(name: string): boolean {
  return ARCHIVE.test(name);
}

export function isPacked(name: string): boolean {
  return PACKED.test(name) || PACKED_MONGO.test(name);
}

/** What is in the file has to tell whether it is one. */
export function isOfAnybody(name: string): boolean {
  if (isArchiveName(name)) return false;
  if (isPacked(name) || DUMP.test(name) || MONGO.test(name)) return true;
  if (ROTATED.test(name)) return parseDatedName(baseOf(name)) !== null;
  return BARE.test(name) && (WORD.test(name) || parseDatedName(name) !== null);
}

/** Without its endings, but for a date among them. */
export function baseOf(name: string): string {
  for (const pattern of [ARCHIVE, PACKED, PACKED_MONGO, DUMP, MONGO, ROTATED]) {
    const { base, date } = pattern.exec(name)?.groups ?? {};
    if (base !== undefined) return `${base}${date ?? ''}`;
  }
  return name;
}

export function namesMongo(name: string): boolean {
  return /mongo/i.test(name);
}

/** What is the same at another time. */
export function stemOfArchive(name: string): string {
  const base = baseOf(name);
  return parseDatedName(base)?.stem ?? base;
}
