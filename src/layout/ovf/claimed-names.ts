import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';

const DESCRIPTOR = /\.ovf$/i;
/** What a package holds besides, if a descriptor is there, whether that names it or not. */
const MEMBER = /\.(?:mf|cert|vmdk|vhdx?|qcow2|raw|iso|img|nvram|gz)(?:\.\d{9})?$/i;

/** What may be a backup of another layout under any name, or part of one. */
const OF_OTHERS =
  /^[^.]+$|\.(?:xml|ova|vma|dmg|sparseimage|zfs|zsend|zstream|ufsdump|flar|mksysb|savevg|dd)(?:\.gz)?$|\.(?:tar\.gz|zst|lz4|lzop?|xz|bz2)$/i;

/** Of those the ones that may as well be a backup by themselves, of another layout. */
const ANYBODYS = /^(?<stem>.+?)(?<!\.vmdk)(?<tar>\.tar)?\.(?:vhdx?|qcow2|raw|iso|img|gz)$/i;
/** As XenServer names its disks, and oVirt, without an ending. */
const UUID_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.|$)/i;
const BARE_UUID = /^[0-9a-f-]{36}$/i;

/** By names alone: `confirm` gives back what no package names. */
export function claim({ files }: FolderNames): Claim | null {
  const bases = files
    .filter((name) => DESCRIPTOR.test(name))
    .map((name) => baseOf(name).toLowerCase());
  if (bases.length === 0) return null;
  // A descriptor may name any file: what it does not name is told as nobody's.
  const mayBeNamed = (name: string) =>
    isMember(name) ? mayBeOf(bases, name) : !OF_OTHERS.test(name);
  return { files: files.filter((name) => DESCRIPTOR.test(name) || mayBeNamed(name)) };
}

/** Whether a file belongs to a package that is alone in its folder, although nothing names it. */
export function isMember(name: string): boolean {
  return MEMBER.test(name) || (BARE_UUID.test(name) && UUID_NAME.test(name));
}

/** A name with a date that is not the package's is left to others at once. */
function mayBeOf(bases: readonly string[], name: string): boolean {
  const parts = ANYBODYS.exec(name)?.groups;
  const stem = parts?.stem?.toLowerCase();
  if (parts?.tar !== undefined) return false;
  if (stem === undefined || bases.includes(stem) || UUID_NAME.test(name)) return true;
  if (parseDatedName(stem) !== null)
    return bases.some((base) => stem.startsWith(base) && parseDatedName(base) !== null);
  return true;
}

/** What goes with a package although nothing names it, whatever it is called. */
const BESIDE = /\.(?:mf|cert|nvram|iso)$/i;
/** After the name of a package, what its files are called by: `web-disk1.vmdk`; `web01.vmdk` is another's. */
const OF_BASE = /^(?:$|[^0-9a-z])/;

/** Whether it is no part of a package by its name: where nothing names it either, it is a machine's of its own.
 *  @param bases names of the packages of the folder */
export function isOfNobody(bases: readonly string[], name: string): boolean {
  if (isDescriptor(name) || !isMember(name) || BESIDE.test(name)) return false;
  const lower = name.toLowerCase();
  return !bases.some((base) => {
    const rest = lower.slice(base.length);
    const isItsOwn = lower.startsWith(base.toLowerCase()) && OF_BASE.test(rest);
    return isItsOwn && (parseDatedName(base) !== null || parseDatedName(stemOf(lower)) === null);
  });
}

function stemOf(name: string): string {
  return name.replace(/(?:\.[a-z]\w*)+$/, '');
}

export function isDescriptor(name: string): boolean {
  return DESCRIPTOR.test(name);
}

/** What its manifest is called, too. */
export function baseOf(descriptor: string): string {
  return descriptor.slice(0, -'.ovf'.length);
}
