import { createHash } from 'node:crypto';
import type { FileStamp } from '../domain/file-stamp.js';
import type { ReadableFile, WritableFile } from '../repository/backup-repository.js';

/** What is known of one file of the copy (docs/FORMAT.md, Trees, Index). */
export interface FileEntry {
  /** Relative to the tree. */
  readonly path: string;
  /** Of the source's file when it was copied. */
  readonly stamp: FileStamp;
  /** Permission bits at the source; null: not known. */
  readonly mode: number | null;
  /** SHA-256 of the content, lower-case hex; with a table, of the table. */
  readonly digest: string;
  /** Name of its digest table in the index; null: it is small, and has none. */
  readonly table: string | null;
  /** Since when the source does not have it any more. Epoch milliseconds; null: it has it. */
  readonly goneSinceMs: number | null;
}

/** A line of a run: an entry, or that there is none any more. */
export type IndexLine = FileEntry | RemovedEntry;

interface RemovedEntry {
  readonly path: string;
  readonly isRemoved: true;
}

const READ_BYTES = 1024 * 1024;

/** One line of JSON: `[path]` for what is removed. */
export function lineOf(line: IndexLine): string {
  if ('isRemoved' in line) return JSON.stringify([line.path]);
  const { path, stamp, mode, digest, table, goneSinceMs } = line;
  const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
  return JSON.stringify([
    ...[path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, digest],
    ...(goneSinceMs === null ? (table === null ? [] : [table]) : [table, goneSinceMs]),
  ]);
}

type Fields = [
  path: string,
  sizeBytes?: number,
  modifiedAtNs?: string,
  changedAtNs?: string,
  inode?: string,
  mode?: number | null,
  digest?: string,
  table?: string | null,
  goneSinceMs?: number | null,
];

/** @throws SyntaxError when it is no line of a run */
export function parseLine(text: string): IndexLine {
  const fields: unknown = JSON.parse(text);
  if (!Array.isArray(fields)) throw new SyntaxError('a line that is no list');
  return lineOfFields(fields as Fields);
}

/** The same of a list that says of no file that it is removed.
 *  @throws SyntaxError */
export function parseEntry(text: string): FileEntry {
  const line = parseLine(text);
  if ('isRemoved' in line) throw new SyntaxError('a list of files has one that is removed');
  return line;
}

function lineOfFields(fields: Fields): IndexLine {
  const [path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, digest] = fields;
  if (typeof path !== 'string') throw new SyntaxError('a line without a path');
  if (sizeBytes === undefined) return { path, isRemoved: true };
  if (modifiedAtNs === undefined || changedAtNs === undefined || inode === undefined)
    throw new SyntaxError('a line without times');
  return {
    path,
    stamp: { sizeBytes, modifiedAtNs, changedAtNs, inode },
    mode: mode ?? null,
    digest: digest ?? '',
    table: fields[7] ?? null,
    goneSinceMs: fields[8] ?? null,
  };
}

/** Lines of a file in parts of about 1 MiB, as they stand there. */
export async function* readLines(file: ReadableFile): AsyncGenerator<string[]> {
  for await (const text of readTexts(file)) yield text.split('\n');
}

/** The same, the lines of a part in one text, without the end of the last one.
 *  @param onBytes gets them before they are text */
export async function* readTexts(
  file: ReadableFile,
  onBytes?: (bytes: Uint8Array) => void,
): AsyncGenerator<string> {
  const buffer = Buffer.alloc(READ_BYTES);
  let rest = Buffer.alloc(0);
  for (let offset = 0; ;) {
    const count = await file.read(buffer, offset);
    if (count === 0) break;
    offset += count;
    onBytes?.(buffer.subarray(0, count));
    const bytes = Buffer.concat([rest, buffer.subarray(0, count)]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield bytes.toString('utf8', 0, end - 1);
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

/** Writes lines one behind the other, digested on the way. */
export class LineWriter {
  readonly #hash = createHash('sha256');
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #offset = 0;
  #count = 0;

  constructor(private readonly file: WritableFile) {}

  /** Bytes before the next line. */
  get sizeBytes(): number {
    return this.#offset + this.#waitingCharacters;
  }

  /** @returns what has to be awaited before the next call; undefined: nothing */
  add(text: string): Promise<void> | undefined {
    this.#waiting.push(text);
    this.#waitingCharacters += Buffer.byteLength(text) + 1;
    this.#count++;
    return this.#waitingCharacters < READ_BYTES ? undefined : this.#flush();
  }

  /** All of it durable. */
  async end(): Promise<{ readonly entryCount: number; readonly digest: string }> {
    await this.#flush();
    await this.file.truncate(this.#offset);
    await this.file.sync();
    return { entryCount: this.#count, digest: this.#hash.digest('hex') };
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const bytes = Buffer.from(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
    this.#waitingCharacters = 0;
    this.#hash.update(bytes);
    await this.file.write(bytes, this.#offset);
    this.#offset += bytes.length;
  }
}
