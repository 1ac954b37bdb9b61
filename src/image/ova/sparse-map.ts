import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault } from '../image-fault.js';
import { numberOf } from './tar-numbers.js';

/** Which stretches of a sparse file a tar holds, in the four ways in which GNU tar says so. Nothing is unpacked here: a map that is not one must not be
 *  taken for the file. Source: GNU tar manual 1.34, D.2 (storing sparse files). */

const BLOCK_BYTES = 512;
const ENTRY_BYTES = 24;
/** A disk in pieces of 1 MiB each up to 1 TiB. */
const MAX_ENTRIES = 1024 * 1024;
const MAX_MAP_BYTES = 40 * MAX_ENTRIES;
/** Digits of a size. */
const MAX_LINE = 20;

/** As the old form of GNU (`S`) has it: four entries in the header, further ones in blocks behind it.
 *  @param at of the header
 *  @returns how many blocks stand behind the header
 *  @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED, IMAGE_TRUNCATED */
export async function checkOldMap(
  source: ByteSource,
  header: Buffer,
  at: number,
): Promise<{ readonly mapBlocks: number }> {
  const map = new SparseMap(source, at, numberOf(header.subarray(483, 495)));
  map.addAll(header, 386, 4);
  const block = Buffer.alloc(BLOCK_BYTES);
  let mapBlocks = 0;
  for (let isExtended = header[482] !== 0; isExtended; isExtended = block[504] !== 0) {
    mapBlocks++;
    const offset = at + mapBlocks * BLOCK_BYTES;
    checkInside(source, 'a map of a sparse file', offset, BLOCK_BYTES);
    await source.read(block, offset);
    map.addAll(block, 0, 21);
  }
  return { mapBlocks };
}

/** As POSIX headers have it: in records, or (1.0) as lines at the start of the data.
 *  @throws as `checkOldMap` */
export async function checkPaxMap(
  source: ByteSource,
  records: ReadonlyMap<string, string>,
  offset: number,
  sizeBytes: number,
): Promise<void> {
  const size = records.get('GNU.sparse.realsize') ?? records.get('GNU.sparse.size') ?? '';
  const map = new SparseMap(source, offset, decimal(size));
  const inRecord = records.get('GNU.sparse.map');
  if (inRecord !== undefined) map.addPairs(inRecord.split(','));
  if (records.get('GNU.sparse.major') === '1') await addLines(source, map, offset, sizeBytes);
}

async function addLines(
  source: ByteSource,
  map: SparseMap,
  offset: number,
  sizeBytes: number,
): Promise<void> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let text = '';
  let wanted = Infinity;
  for (let at = 0; ; at += BLOCK_BYTES) {
    if (at + BLOCK_BYTES > sizeBytes || at > MAX_MAP_BYTES) throw map.refusal('has no end');
    await source.read(block, offset + at);
    text += block.toString('latin1');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    if (wanted === Infinity) wanted = 2 * (decimal(lines.shift() ?? '') ?? Infinity);
    const own = lines.slice(0, wanted - map.numbers);
    map.addNumbers(own);
    if (map.numbers >= wanted) return;
    if (text.length > MAX_LINE) throw map.refusal('has no lines');
  }
}

class SparseMap {
  numbers = 0;
  private end = 0;
  private start: number | null = null;

  constructor(
    private readonly source: ByteSource,
    private readonly offset: number,
    private readonly realSizeBytes: number | null,
  ) {
    if (realSizeBytes === null) throw this.refusal('tells no size');
  }

  addAll(block: Buffer, at: number, count: number): void {
    for (let entry = at; entry < at + count * ENTRY_BYTES; entry += ENTRY_BYTES) {
      if (block[entry + 12] === 0) return; // the first that is not used
      this.add(numberOf(block.subarray(entry, entry + 12)));
      this.add(numberOf(block.subarray(entry + 12, entry + ENTRY_BYTES)));
    }
  }

  addPairs(texts: readonly string[]): void {
    this.addNumbers(texts);
    if (this.start !== null) throw this.refusal('has half an entry');
  }

  addNumbers(texts: readonly string[]): void {
    for (const text of texts) this.add(decimal(text));
  }

  /** Start and length in turn; neither may lie before what was, or behind the file. */
  private add(value: number | null): void {
    if (++this.numbers > 2 * MAX_ENTRIES)
      throw imageFault(this.source, 'IMAGE_LIMIT_EXCEEDED', 'a map of a sparse file is too large', {
        offset: this.offset,
      });
    if (value === null) throw this.refusal('holds something else than numbers');
    if (this.start === null) {
      if (value < this.end) throw this.refusal('overlaps itself');
      this.start = value;
      return;
    }
    this.end = this.start + value;
    this.start = null;
    if (this.end > (this.realSizeBytes ?? 0))
      throw this.refusal('leads behind the end of the file');
  }

  refusal(what: string) {
    return imageFault(this.source, 'IMAGE_CORRUPT', `a map of a sparse file ${what}`, {
      offset: this.offset,
    });
  }
}

function decimal(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
