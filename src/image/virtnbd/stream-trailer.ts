import { mostJsonValues } from '../../domain/sources/json-values.js';
import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';
import { MAX_RUN_LIST_BYTES, MAX_RUNS } from './run-list.js';
import { HEADER_BYTES, LINE_END, parseFrame } from './stream-frames.js';

/** How a stream ends: a stop frame, and nothing behind it but, in a compressed one, the trailer: JSON text, line end, header of a `comp` frame;
 *  in a plain one of Longhaul's own, the list of its runs in the same way, with the header of a `runs` frame. */
export interface StreamEnd {
  /** Behind the stop frame. */
  readonly offset: number;
  /** Bytes of the trailer's JSON text; 0: the stream is plain. */
  readonly trailerBytes: number;
  /** Of the list of runs; null: there is none. */
  readonly runListBytes: number | null;
}

/** A number for each piece of 32 MiB or less, of so many digits at most, for as many pieces as are read. */
const MAX_TRAILER_BYTES = 32 * 1024 * 1024;
/** Each piece has one, and a frame of several pieces two more. */
const MAX_TRAILER_VALUES = 2 * MAX_RUNS;

/** @throws IMAGE_TRUNCATED unless the file ends as a finished stream does, IMAGE_LIMIT_EXCEEDED */
export async function readStreamEnd(source: ByteSource, isCompressed: boolean): Promise<StreamEnd> {
  const trailerBytes = isCompressed ? await trailerLength(source) : 0;
  const runListBytes = isCompressed ? null : await runListLength(source);
  const hasText = isCompressed || runListBytes !== null;
  const behind = trailerBytes + (runListBytes ?? 0) + LINE_END.length + HEADER_BYTES;
  const offset = source.sizeBytes - (hasText ? behind : 0);
  const stop = await frameBefore(source, offset);
  if (stop?.kind === 'stop' && stop.start === 0 && stop.length === 0)
    return { offset, trailerBytes, runListBytes };
  throw unfinished(source, 'has no stop frame at its end');
}

async function trailerLength(source: ByteSource): Promise<number> {
  const frame = await frameBefore(source, source.sizeBytes);
  if (frame?.kind !== 'comp') throw unfinished(source, 'has no trailer at its end');
  return limitText(source, 'trailer', frame.length, MAX_TRAILER_BYTES);
}

async function runListLength(source: ByteSource): Promise<number | null> {
  const frame = await frameBefore(source, source.sizeBytes);
  if (frame?.kind !== 'runs') return null;
  return limitText(source, 'list of runs', frame.length, MAX_RUN_LIST_BYTES);
}

function limitText(source: ByteSource, what: string, seen: number, max: number): number {
  if (seen <= max) return seen;
  throw imageFault(
    source,
    'IMAGE_LIMIT_EXCEEDED',
    `its ${what} has ${seen} bytes; at most ${max} are read`,
    { offset: source.sizeBytes - HEADER_BYTES, seen, max },
  );
}

/** null: what lies there is no header. */
async function frameBefore(source: ByteSource, end: number) {
  const offset = end - HEADER_BYTES;
  if (offset < 0) return null;
  const header = Buffer.alloc(HEADER_BYTES);
  await source.read(header, offset);
  return /^(stop|comp|runs) /.test(header.toString('latin1', 0, 5))
    ? parseFrame(source, header, offset)
    : null;
}

function unfinished(source: ByteSource, words: string) {
  return imageFault(source, 'IMAGE_TRUNCATED', `${words}: it was cut off, or is being written`, {
    offset: source.sizeBytes,
  });
}

/** Compressed size of a data frame, or of each of its pieces in their order: a stream has up to millions, nearly all of one piece. */
export type FramePieces = number | readonly number[];

/** Of each data frame, in the order of the file.
 *  @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED */
export async function readTrailer(
  source: ByteSource,
  { offset, trailerBytes }: StreamEnd,
): Promise<readonly FramePieces[]> {
  const text = Buffer.alloc(trailerBytes);
  await source.read(text, offset);
  if (mostJsonValues(text) > MAX_TRAILER_VALUES)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `its trailer is of more than ${MAX_TRAILER_VALUES} pieces; so many are not read`,
      { offset, max: MAX_TRAILER_VALUES },
    );
  try {
    const entries: unknown = JSON.parse(text.toString('latin1'));
    if (Array.isArray(entries)) return entries.map((entry) => piecesOf(entry));
  } catch {
    // the fault below says it
  }
  throw imageFault(source, 'IMAGE_CORRUPT', 'its trailer holds no list of sizes', { offset });
}

/** `<bytes>`, or `{"<bytes>": [<bytes of each piece>]}`. */
function piecesOf(entry: unknown): FramePieces {
  if (isSize(entry)) return entry;
  const [[total, pieces] = [], ...others] = Object.entries(entry as object) as [string, unknown][];
  if (others.length === 0 && Array.isArray(pieces) && pieces.every(isSize))
    if (pieces.reduce((sum, bytes) => sum + bytes, 0) === Number(total)) return pieces;
  throw new Error('no list of sizes');
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
