import type { NamingFile, NamingFiles } from '../../domain/trees/tree-rules.js';

/** `hints.N` of borg 1: a map in MessagePack, `version` first, then `segments`: of each segment that is there, how many of its objects are in use.
 *  One that is named with a number above zero no compaction has removed.
 *  Source: borg 1.2, repository.py (`write_index`); repositories of borg 1.2.4. */
export const BORG_HINTS: NamingFiles = {
  match: /^hints\.\d+$/,
  named: /^data\/\d+\/\d+$/,
  read: readHints,
};

/** As many bytes as 100,000 segments take, which are 50 TB. */
const READ_BYTES = 1024 * 1024;

/** Of hints that are written otherwise, or cut, nothing more is told: they are no part of what a repository needs. */
async function readHints(file: NamingFile, name: (path: string) => void): Promise<null> {
  const bytes = await file.read(0, Math.min(READ_BYTES, file.sizeBytes));
  const reader = new PackReader(bytes);
  if (reader.mapSize() === null || reader.text() !== 'version' || reader.uint() === null)
    return null;
  if (reader.text() !== 'segments') return null;
  const count = reader.mapSize() ?? 0;
  for (let i = 0; i < count; i++) {
    const [segment, inUse] = [reader.uint(), reader.uint()];
    if (segment === null || inUse === null) return null;
    if (inUse > 0) name(`data/${Math.floor(segment / SEGMENTS_IN_FOLDER)}/${segment}`);
  }
  return null;
}

/** What `borg init` writes into each `config`. */
const SEGMENTS_IN_FOLDER = 1_000;

/** The few types of MessagePack that stand before and in `segments`; null: it is another. */
class PackReader {
  #at = 0;
  readonly #view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  mapSize(): number | null {
    const type = this.#number(1);
    if (type === 0xde) return this.#number(2);
    if (type === 0xdf) return this.#number(4);
    return type !== null && type >> 4 === 0x8 ? type & 0xf : null;
  }

  uint(): number | null {
    const type = this.#number(1);
    if (type === 0xcc) return this.#number(1);
    if (type === 0xcd) return this.#number(2);
    if (type === 0xce) return this.#number(4);
    return type !== null && type < 0x80 ? type : null;
  }

  /** A short text, or bytes that are one. */
  text(): string | null {
    const type = this.#number(1);
    const isShort = type !== null && type >> 5 === 0b101;
    const length = isShort ? type & 0x1f : type === 0xd9 || type === 0xc4 ? this.#number(1) : null;
    if (length === null) return null;
    const text = Buffer.from(this.bytes.subarray(this.#at, this.#at + length)).toString('latin1');
    this.#at += length;
    return text;
  }

  #number(length: 1 | 2 | 4): number | null {
    const at = this.#at;
    if (at + length > this.bytes.length) return null;
    this.#at += length;
    if (length === 1) return this.#view.getUint8(at);
    return length === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }
}
