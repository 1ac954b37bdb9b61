import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { checkOldMap, checkPaxMap } from './sparse-map.js';
import { numberOf, octal } from './tar-numbers.js';

/** A file inside a tar. */
export interface TarMember {
  /** As it stands in the archive; data, never opened. */
  readonly name: string;
  /** `0`: a plain file; what else there is, as POSIX names it (`5`: a folder, `2`: a symbolic link). */
  readonly type: string;
  /** Of its first byte in the archive. */
  readonly offset: number;
  /** In the archive. */
  readonly sizeBytes: number;
  /** Its zeros are left out, and perhaps a map of them stands before its bytes. */
  readonly isSparse: boolean;
}

const BLOCK_BYTES = 512;
/** One name of an archive and its attributes. */
const MAX_EXTENDED_BYTES = 65_536;
/** An OVA has a file for each disk. */
const MAX_MEMBERS = 10_000;
/** Of all their names together. */
const MAX_NAMES_CHARACTERS = 4 * 1024 * 1024;

/** Members of a tar in their order, by its headers alone: ustar, with long names and sizes of GNU (`L`, base 256) and of POSIX (`x`), and sparse files of
 *  both. Reads a block for each member, and where it ends.
 *  @throws IMAGE_TRUNCATED when it ends before its two blocks of zeros; IMAGE_MAGIC_MISSING when it does not start as a tar; IMAGE_CORRUPT,
 *  IMAGE_LIMIT_EXCEEDED */
export async function readTarMembers(source: ByteSource): Promise<TarMember[]> {
  const members: TarMember[] = [];
  const block = Buffer.alloc(BLOCK_BYTES);
  let extended: Extended = {};
  let nameCharacters = 0;
  for (let at = 0; ;) {
    checkInside(source, at === 0 ? 'the first header' : 'the end of the archive', at, BLOCK_BYTES);
    await source.read(block, at);
    if (isZero(block)) {
      checkInside(source, 'the end of the archive', at + BLOCK_BYTES, BLOCK_BYTES);
      await source.read(block, at + BLOCK_BYTES);
      if (isZero(block)) return members;
      throw broken(source, at, 'a block of zeros stands alone among its headers');
    }
    const header = headerOf(source, block, at);
    const sizeBytes = extended.sizeBytes ?? header.sizeBytes;
    const isOldSparse = header.type === 'S';
    const { mapBlocks } = isOldSparse ? await checkOldMap(source, block, at) : { mapBlocks: 0 };
    const offset = at + (1 + mapBlocks) * BLOCK_BYTES;
    checkInside(source, `${JSON.stringify(header.name)}`, offset, sizeBytes);
    const next = offset + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    if (EXTENDING.includes(header.type))
      extended = { ...extended, ...(await readExtended(source, header.type, offset, sizeBytes)) };
    else {
      const { sparse } = extended;
      if (sparse !== undefined) await checkPaxMap(source, sparse, offset, sizeBytes);
      const isSparse = isOldSparse || sparse !== undefined;
      const name = extended.name ?? header.name;
      const type = isOldSparse ? '0' : header.type;
      members.push({ name, type, offset, sizeBytes, isSparse });
      nameCharacters += name.length;
      if (members.length > MAX_MEMBERS) throw tooMuch(source, at, `${MAX_MEMBERS} members`);
      if (nameCharacters > MAX_NAMES_CHARACTERS)
        throw tooMuch(source, at, `${MAX_NAMES_CHARACTERS} characters of names`);
      extended = {};
    }
    at = next;
  }
}

interface Extended {
  readonly name?: string;
  readonly sizeBytes?: number;
  /** Records `GNU.sparse.…`. */
  readonly sparse?: ReadonlyMap<string, string>;
}

/** Headers that tell of the next one; `g` tells of all that follow, and names nothing that is asked here. */
const EXTENDING = ['L', 'K', 'x', 'g'];

function headerOf(
  source: ByteSource,
  block: Buffer,
  at: number,
): { readonly name: string; readonly type: string; readonly sizeBytes: number } {
  const stored = octal(block.subarray(148, 156));
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  if (stored !== sum) {
    if (at === 0) throw imageFault(source, 'IMAGE_MAGIC_MISSING', 'is no tar', { offset: 0 });
    throw broken(source, at, `the checksum of a header is ${String(stored)}, not ${sum}`);
  }
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textOf(block.subarray(345, 500)) : '';
  const name = textOf(block.subarray(0, 100));
  const flag = block.toString('latin1', 156, 157);
  const sizeBytes = numberOf(block.subarray(124, 136));
  if (sizeBytes === null) throw broken(source, at, 'a header has no valid size');
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: flag === '\0' || flag === '7' ? '0' : flag,
    sizeBytes,
  };
}

/** @throws IMAGE_LIMIT_EXCEEDED, IMAGE_CORRUPT */
async function readExtended(
  source: ByteSource,
  type: string,
  offset: number,
  sizeBytes: number,
): Promise<Extended> {
  if (type === 'g' || type === 'K') return {};
  if (sizeBytes > MAX_EXTENDED_BYTES)
    throw imageFault(source, 'IMAGE_LIMIT_EXCEEDED', `a name takes ${sizeBytes} bytes`, { offset });
  const bytes = Buffer.alloc(sizeBytes);
  await source.read(bytes, offset);
  if (type === 'L') return { name: textOf(bytes) };
  return paxRecords(source, bytes, offset);
}

/** `<length> <key>=<value>\n`, the length that of the record, itself among it. Source: POSIX.1-2017, pax, extended header. */
function paxRecords(source: ByteSource, bytes: Buffer, offset: number): Extended {
  const found: { name?: string; sizeBytes?: number } = {};
  const sparse = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space === -1 ? at : space) || Number.NaN);
    const end = at + length;
    // Also where there is no such byte.
    if (end <= space + 1 || bytes[end - 1] !== 0x0a)
      throw broken(source, offset + at, 'a record of an extended header is malformed');
    const record = bytes.toString('utf8', space + 1, end - 1);
    const key = record.slice(0, record.indexOf('='));
    const value = record.slice(key.length + 1);
    if (key === 'path') found.name = value;
    if (key === 'size') {
      if (!/^\d{1,15}$/.test(value))
        throw broken(source, offset + at, 'a size of an extended header is malformed');
      found.sizeBytes = Number(value);
    }
    if (key.startsWith('GNU.sparse.')) sparse.set(key, value);
    at = end;
  }
  // The header of a sparse file names another, for who knows nothing of it.
  const name = sparse.get('GNU.sparse.name') ?? found.name;
  return {
    ...found,
    ...(name === undefined ? {} : { name }),
    ...(sparse.size === 0 ? {} : { sparse }),
  };
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function tooMuch(source: ByteSource, offset: number, what: string) {
  return imageFault(source, 'IMAGE_LIMIT_EXCEEDED', `it has more than ${what}`, { offset });
}

function broken(source: ByteSource, offset: number, message: string) {
  return imageFault(source, 'IMAGE_CORRUPT', message, { offset });
}
