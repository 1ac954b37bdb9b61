import { compressFrameSync } from 'lz4-napi';

/** A stream of virtnbdbackup by hand, from the description of the format (libvirtnbdbackup/sparsestream/types.py): nothing here is shared with
 *  what Longhaul reads and writes. */
export interface StreamFrame {
  readonly start: number;
  /** A number: so many zeros, told by a frame. */
  readonly data: Buffer | number;
}

export interface StreamOptions {
  readonly virtualSize: number;
  readonly frames: readonly StreamFrame[];
  readonly checkpoint?: string;
  readonly parent?: string;
  readonly disk?: string;
  readonly date?: string;
  /** In pieces of so many bytes. */
  readonly compressedBy?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
}

const header = (kind: string, start: number, length: number): Buffer =>
  Buffer.from(
    `${kind} ${start.toString(16).padStart(16, '0')} ${length.toString(16).padStart(16, '0')}\r\n`,
  );
const LINE_END = Buffer.from('\r\n');

export function streamFile(options: StreamOptions): Buffer {
  const { virtualSize, frames, compressedBy } = options;
  const data = frames.filter((frame) => typeof frame.data !== 'number');
  const meta = Buffer.from(
    JSON.stringify({
      virtualSize,
      dataSize: data.reduce((sum, frame) => sum + (frame.data as Buffer).length, 0),
      date: options.date ?? '2026-11-24T06:29:49.037014',
      diskName: options.disk ?? 'vda',
      diskFormat: 'qcow2',
      checkpointName: options.checkpoint ?? 'virtnbdbackup.0',
      compressed: compressedBy === undefined ? false : 2,
      compressionMethod: 'lz4',
      parentCheckpoint: options.parent ?? '',
      incremental: options.parent !== undefined,
      streamVersion: 2,
      ...options.meta,
    }),
  );
  const parts: Buffer[] = [header('meta', 0, meta.length), meta, LINE_END];
  const trailer: unknown[] = [];
  for (const { start, data } of frames) {
    if (typeof data === 'number') {
      parts.push(header('zero', start, data));
      continue;
    }
    parts.push(header('data', start, data.length));
    if (compressedBy === undefined) parts.push(data);
    else {
      const pieces = piecesOf(data, compressedBy);
      parts.push(...pieces);
      const sizes = pieces.map(({ length }) => length);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      trailer.push(pieces.length === 1 ? total : { [String(total)]: sizes });
    }
    parts.push(LINE_END);
  }
  parts.push(header('stop', 0, 0));
  if (compressedBy !== undefined) {
    const text = Buffer.from(JSON.stringify(trailer));
    parts.push(text, LINE_END, header('comp', 0, text.length));
  }
  return Buffer.concat(parts);
}

function piecesOf(data: Buffer, bytes: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; at += bytes)
    pieces.push(
      withContentSize(
        compressFrameSync(data.subarray(at, at + bytes), CHECKSUMS),
        Math.min(bytes, data.length - at),
      ),
    );
  return pieces;
}

const CHECKSUMS = { contentChecksum: true, blockChecksums: true };

/** As python-lz4 writes frames: with the size of their content, which the writer used here leaves out. */
function withContentSize(frame: Buffer, bytes: number): Buffer {
  const flags = frame[4]! | 8;
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(bytes));
  const descriptor = Buffer.concat([Buffer.from([flags, frame[5]!]), size]);
  return Buffer.concat([
    frame.subarray(0, 4),
    descriptor,
    Buffer.from([(xxh32(descriptor) >>> 8) & 255]),
    frame.subarray(7),
  ]);
}

/** xxHash of less than 16 bytes with seed 0 (doc/xxhash_spec.md). */
function xxh32(bytes: Buffer): number {
  const [P2, P3, P4, P5] = [0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
  const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  let hash = (P5 + bytes.length) | 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(bytes.readUInt32LE(at), P3)) | 0, 17), P4);
  for (; at < bytes.length; at++)
    hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, P5)) | 0, 11), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), P2);
  hash = Math.imul(hash ^ (hash >>> 13), P3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The disk that a chain of plain streams shows, as `virtnbdrestore` writes it: each data frame where it says, file by file. */
export function diskOfStreams(files: readonly Buffer[]): Buffer {
  let disk = Buffer.alloc(0);
  for (const file of files) {
    const frame = (at: number) => {
      const [kind, start, length] = file.toString('latin1', at, at + 38).split(' ') as [
        string,
        string,
        string,
      ];
      return { kind, start: parseInt(start, 16), length: parseInt(length, 16) };
    };
    const metaBytes = frame(0).length;
    const meta = JSON.parse(file.toString('utf8', 40, 40 + metaBytes)) as {
      virtualSize: number;
      dataSize: number;
    };
    disk = Buffer.concat([disk, Buffer.alloc(Math.max(0, meta.virtualSize - disk.length))]);
    let left = meta.dataSize;
    let at = 40 + metaBytes + 2;
    for (let next = frame(at); next.kind !== 'stop'; next = frame(at)) {
      at += 40;
      if (next.kind !== 'data') continue;
      file.copy(disk, next.start, at, at + next.length);
      left -= next.length;
      at += next.length + 2;
    }
    at += 40;
    const isWhole = at === file.length || at + frame(file.length - 40).length + 42 === file.length;
    if (left !== 0 || !isWhole) throw new Error('the stream is not whole');
  }
  return disk;
}
