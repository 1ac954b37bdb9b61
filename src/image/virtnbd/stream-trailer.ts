import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';
import { HEADER_BYTES, LINE_END, parseFrame } from './stream-frames.js';

/** How a stream ends: a stop frame, and nothing behind it but, in a compressed one, the trailer: JSON text, line end, header of a `comp` frame. */
export interface StreamEnd {
  /** Behind the stop frame. */
  readonly offset: number;
  /** Bytes of the trailer's JSON text; 0: the stream is plain. */
  readonly trailerBytes: number;
}

/** A number for each piece of 32 MiB or less: 4 million of them. */
const MAX_TRAILER_BYTES = 32 * 1024 * 1024;

/** @throws IMAGE_TRUNCATED unless the file ends as a finished stream does, IMAGE_LIMIT_EXCEEDED */
export async function readStreamEnd(source: ByteSource, isCompressed: boolean): Promise<StreamEnd> {
  const trailerBytes = isCompressed ? await trailerLength(source) : 0;
  const behind = isCompressed ? trailerBytes + LINE_END.length + HEADER_BYTES : 0;
  const offset = source.sizeBytes - behind;
  const stop = await frameBefore(source, offset);
  if (stop?.kind === 'stop' && stop.start === 0 && stop.length === 0)
    return { offset, trailerBytes };
  throw unfinished(source, 'has no stop frame at its end');
}

async function trailerLength(source: ByteSource): Promise<number> {
  const frame = await frameBefore(source, source.sizeBytes);
  if (frame?.kind !== 'comp') throw unfinished(source, 'has no trailer at its end');
  if (frame.length > MAX_TRAILER_BYTES)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `its trailer has ${frame.length} bytes; at most ${MAX_TRAILER_BYTES} are read`,
      { offset: source.sizeBytes - HEADER_BYTES, seen: frame.length, max: MAX_TRAILER_BYTES },
    );
  return frame.length;
}

/** null: what lies there is no header. */
async function frameBefore(source: ByteSource, end: number) {
  const offset = end - HEADER_BYTES;
  if (offset < 0) return null;
  const header = Buffer.alloc(HEADER_BYTES);
  await source.read(header, offset);
  return /^(stop|comp) /.test(header.toString('latin1', 0, 5))
    ? parseFrame(source, header, offset)
    : null;
}

function unfinished(source: ByteSource, words: string) {
  return imageFault(source, 'IMAGE_TRUNCATED', `${words}: it was cut off, or is being written`, {
    offset: source.sizeBytes,
  });
}

/** For each data frame the compressed sizes of its pieces, in their order.
 *  @throws IMAGE_CORRUPT */
export async function readTrailer(
  source: ByteSource,
  { offset, trailerBytes }: StreamEnd,
): Promise<readonly (readonly number[])[]> {
  const text = Buffer.alloc(trailerBytes);
  await source.read(text, offset);
  try {
    const entries: unknown = JSON.parse(text.toString('latin1'));
    if (Array.isArray(entries)) return entries.map((entry) => piecesOf(entry));
  } catch {
    // the fault below says it
  }
  throw imageFault(source, 'IMAGE_CORRUPT', 'its trailer holds no list of sizes', { offset });
}

/** `<bytes>`, or `{"<bytes>": [<bytes of each piece>]}`. */
function piecesOf(entry: unknown): readonly number[] {
  if (isSize(entry)) return [entry];
  const [[total, pieces] = [], ...others] = Object.entries(entry as object) as [string, unknown][];
  if (others.length === 0 && Array.isArray(pieces) && pieces.every(isSize))
    if (pieces.reduce((sum, bytes) => sum + bytes, 0) === Number(total)) return pieces;
  throw new Error('no list of sizes');
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
