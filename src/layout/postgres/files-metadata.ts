import type { ByteSource } from '../../image/byte-source.js';

/** What `files_metadata.json` of a backup of WAL-G says: `{"Files":{…},"TarFileSets":{"part_001.tar.lz4":["/base/…"],…},…}`.
 *  Source: wal-g internal/databases/postgres/files_metadata_dto.go. */
export interface FilesMetadata {
  /** Its outermost object is closed. */
  readonly isWhole: boolean;
  /** Names of the tars that its backup was written to. */
  readonly tars: readonly string[];
}

const PIECE_BYTES = 1024 * 1024;
/** A name of a file; nothing longer is asked for. */
const MAX_KEY_BYTES = 4096;
const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COLON] = Buffer.from('"\\{}[]:');

/** Of a backup of millions of files it is larger than what is held in memory: it is read from its beginning to its end, and of each object what it is nested in. */
export async function readFilesMetadata(source: ByteSource): Promise<FilesMetadata> {
  const reading = new KeysOf('TarFileSets');
  for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, source.sizeBytes - at));
    await source.read(piece, at);
    for (const byte of piece) reading.take(byte);
  }
  return { isWhole: reading.isWhole, tars: reading.keys };
}

/** Keys of the object that the outermost one has under a name. */
class KeysOf {
  readonly keys: string[] = [];
  isWhole = false;
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  /** Of the last text. */
  #text: number[] = [];
  #outer = '';

  constructor(private readonly name: string) {}

  take(byte: number): void {
    if (this.#isText) this.#takeText(byte);
    else if (byte === QUOTE) [this.#isText, this.#text] = [true, []];
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) this.isWhole = --this.#depth === 0;
    else if (byte === COLON && this.#depth === 1) this.#outer = this.#key();
    else if (byte === COLON && this.#depth === 2 && this.#outer === this.name)
      this.keys.push(this.#key());
  }

  #takeText(byte: number): void {
    if (!this.#isEscaped && byte === QUOTE) {
      this.#isText = false;
      return;
    }
    if (this.#depth <= 2 && this.#text.length < MAX_KEY_BYTES) this.#text.push(byte);
    this.#isEscaped = !this.#isEscaped && byte === BACKSLASH;
  }

  #key(): string {
    const text = Buffer.from(this.#text).toString('utf8');
    try {
      return String(JSON.parse(`"${text}"`));
    } catch {
      return text;
    }
  }
}
