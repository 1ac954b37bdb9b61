import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';

/** The text that describes a disk: a file of its own, or a part of its only file. */
export interface VmdkDescriptor {
  /** Content id: 8 lower-case hex digits. It changes when the disk is written to, so a child's `parentCid` tells its parent. */
  readonly cid: string;
  /** null: a full. */
  readonly parentCid: string | null;
  readonly parentFileNameHint: string | null;
  readonly createType: string;
  /** In the order of the disk; at least one. */
  readonly extents: readonly ExtentLine[];
  /** Lines `ddb.…`, what the disk's hardware looks like: by key without `ddb.`. */
  readonly ddb: ReadonlyMap<string, string>;
  /** `KEY_LINES` that it has, by key. Empty: the disk is not encrypted. */
  readonly encryption: ReadonlyMap<string, string>;
}

export interface ExtentLine {
  readonly type: ExtentType;
  readonly sectors: number;
  /** Base name of a file beside the descriptor: data, never opened as it stands. null: zeros, or the descriptor's own file. */
  readonly fileName: string | null;
  /** Where the extent begins in a flat file. */
  readonly startSector: number;
}

const EXTENT_TYPES = ['FLAT', 'SPARSE', 'ZERO', 'VMFS', 'VMFSSPARSE', 'SESPARSE'] as const;
export type ExtentType = (typeof EXTENT_TYPES)[number];

export const MAX_DESCRIPTOR_BYTES = 1024 * 1024;
/** 2 GiB each: 8 TiB, the largest disk that is split in this way. */
const MAX_EXTENTS = 4_096;
/** The content id that no disk has. */
export const NO_PARENT = 'ffffffff';

/** Access, sectors, type, name, start. What follows (device ids) says nothing about the content. */
const EXTENT =
  /^(?<access>RW|RDONLY|NOACCESS)\s+(?<sectors>\d{1,15})\s+(?<type>[A-Z]+)(?:\s+"(?<name>[^"]*)")?(?:\s+(?<start>\d{1,15}))?(?:\s.*)?$/;
const ASSIGNMENT = /^(?<key>[A-Za-z][\w.:-]*)\s*=\s*(?<value>.*)$/;
const QUOTED = /^"(?<text>.*)"$/;
const CONTENT_ID = /^[0-9a-f]{1,8}$/i;

/** @param text of the descriptor alone; what follows its first NUL is padding
 *  @param isEmbedded it lies in the disk's only file, whose name in the extent line says nothing: files are renamed
 *  @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED; IMAGE_EXTERNAL_DATA when it names anything but files beside it */
export function parseDescriptor(
  source: ByteSource,
  text: string,
  isEmbedded: boolean,
): VmdkDescriptor {
  const refuse = (what: string): Error => imageFault(source, 'IMAGE_CORRUPT', what);
  const keys = new Map<string, string>();
  const extents: ExtentLine[] = [];
  for (const [index, raw] of (text.split('\0', 1)[0] ?? '').split(/\r\n?|\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const extent = EXTENT.exec(line)?.groups;
    if (extent !== undefined) {
      extents.push(extentLine(source, extent, isEmbedded));
      continue;
    }
    const assignment = ASSIGNMENT.exec(line)?.groups;
    if (assignment === undefined) throw refuse(`line ${index + 1} of the descriptor is not known`);
    const { key = '', value: written = '' } = assignment;
    const value = QUOTED.exec(written)?.groups?.['text'] ?? written;
    if ((keys.get(key) ?? value) !== value) throw refuse(`the descriptor has two lines ${key}`);
    keys.set(key, value);
  }
  if (extents.length === 0) throw refuse('the descriptor names no extent');
  if (extents.length > MAX_EXTENTS)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `the descriptor names ${extents.length} extents; ${MAX_EXTENTS} are read`,
    );
  if (isEmbedded && (extents.length > 1 || extents[0]?.type !== 'SPARSE'))
    throw imageFault(
      source,
      'IMAGE_EXTERNAL_DATA',
      'the descriptor inside the disk names extents of other files',
    );
  const contentId = (key: string): string => {
    const value = keys.get(key) ?? '';
    if (!CONTENT_ID.test(value))
      throw refuse(`the descriptor's ${key} is ${JSON.stringify(value)}`);
    return value.toLowerCase().padStart(8, '0'); // QEMU leaves out leading zeros
  };
  const parentCid = keys.has('parentCID') ? contentId('parentCID') : NO_PARENT;
  const hint = keys.get('parentFileNameHint') ?? '';
  return {
    cid: contentId('CID'),
    parentCid: parentCid === NO_PARENT ? null : parentCid,
    parentFileNameHint: hint === '' ? null : hint,
    createType: keys.get('createType') ?? '',
    extents,
    ddb: new Map(
      [...keys].flatMap(([key, value]) => (key.startsWith('ddb.') ? [[key.slice(4), value]] : [])),
    ),
    encryption: encryptionOf(keys),
  };
}

/** Lines by which the host finds the keys of an encrypted disk, and the last one the filter that reads it. Source: descriptors of ESXi that others have published; no tool of VMware was at hand. */
export const KEY_LINES: readonly string[] = ['keyID', 'encryptionKeys', 'ddb.iofilters'];

function encryptionOf(keys: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const isEncrypted =
    keys.has('encryptionKeys') ||
    keys.has('keyID') ||
    /crypt/i.test(keys.get('ddb.iofilters') ?? '');
  return new Map([...keys].filter(([key]) => isEncrypted && KEY_LINES.includes(key)));
}

function extentLine(
  source: ByteSource,
  { access, sectors, type = '', name, start = '0' }: Readonly<Record<string, string | undefined>>,
  isEmbedded: boolean,
): ExtentLine {
  if (access === 'NOACCESS')
    throw imageFault(source, 'IMAGE_CORRUPT', 'an extent may not be read (NOACCESS)');
  const known = EXTENT_TYPES.find((candidate) => candidate === type);
  if (known === undefined)
    throw imageFault(
      source,
      'IMAGE_EXTERNAL_DATA',
      `an extent is of the type ${type}: its data lie in a device or where this release cannot read`,
    );
  const isNamed = known !== 'ZERO' && !isEmbedded;
  if (isNamed && !isBaseName(name))
    throw imageFault(
      source,
      'IMAGE_EXTERNAL_DATA',
      `an extent names ${JSON.stringify(name ?? '')}, which is no name of a file beside the descriptor`,
    );
  return {
    type: known,
    sectors: Number(sectors),
    fileName: isNamed ? (name ?? null) : null,
    startSector: Number(start),
  };
}

/** Whatever a path, a drive, a URL or a pseudo-protocol needs is refused. */
function isBaseName(name: string | undefined): name is string {
  return name !== undefined && !/^\.{0,2}$|[/\\:\p{Cc}]/u.test(name);
}
