import type { ByteSource } from '../../../src/image/byte-source.js';
import { heldDisksOf, imageFormat } from '../../../src/image/formats.js';
import { streamFile } from '../../support/image/stream-file.js';
import { sign, vmaFile } from '../../support/image/vma-file.js';
import type { Largest } from './largest-disks.js';

const BLOCK = 65_536;
const EXTENT_HEADER = 512;
const PER_EXTENT = 59;
const FRAME_HEADER = 40;
const LINE_END = '\r\n';

/** One byte all over, another for each neighbour. */
function byteOf(place: number): number {
  return (place % 250) + 1;
}

/** The first, the last, and some between. */
function places(count: number): number[] {
  return [0, 1, Math.floor(count / 3), Math.floor(count / 2), count - 2, count - 1];
}

/** A file that is a row of pieces of one length behind a start, made when they are read. */
function rowOf(
  start: Buffer,
  piece: { readonly bytes: number; readonly count: number; at(index: number): Buffer },
  end: Buffer = Buffer.alloc(0),
): ByteSource {
  const rowEnd = start.length + piece.bytes * piece.count;
  let last: { readonly index: number; readonly bytes: Buffer } = { index: -1, bytes: start };
  return {
    ...{ label: 'largest.img', sizeBytes: rowEnd + end.length },
    read: (target, offset) => {
      for (let done = 0; done < target.length;) {
        const at = offset + done;
        const index = Math.floor((at - start.length) / piece.bytes);
        if (at >= start.length && at < rowEnd && last.index !== index)
          last = { index, bytes: piece.at(index) };
        const [bytes, from] =
          at < start.length
            ? [start, at]
            : at >= rowEnd
              ? [end, at - rowEnd]
              : [last.bytes, at - start.length - index * piece.bytes];
        const part = bytes.subarray(from, from + target.length - done);
        target.set(part, done);
        done += part.length;
      }
      return Promise.resolve();
    },
  };
}

/** A device of 64 GiB of which every cluster is stored, in order. One of 15 TiB, the largest that is read, takes a walk over four million extents: too long for a test, so this one may
 *  take a sixth of what others may. */
export function largestVma(): Largest {
  const sizeBytes = 64 * 2 ** 30;
  const clusters = sizeBytes / BLOCK;
  const header = vmaFile({ devices: [{ name: 'drive-scsi0', disk: Buffer.alloc(0) }] }).bytes;
  header.writeBigUInt64BE(BigInt(sizeBytes), 4_096 + 32 + 8);
  sign(header, 32);
  const uuid = header.subarray(8, 24);
  const extentAt = (index: number): Buffer => {
    const first = index * PER_EXTENT;
    const extent = Buffer.alloc(EXTENT_HEADER);
    extent.write('VMAE', 0, 'latin1');
    uuid.copy(extent, 8);
    let blocks = 0;
    for (let i = 0; i < PER_EXTENT && first + i < clusters; i++) {
      extent.writeUInt16BE(0xffff, 40 + i * 8);
      extent.writeUInt16BE(1, 42 + i * 8);
      extent.writeUInt32BE(first + i, 44 + i * 8);
      blocks += 16;
    }
    extent.writeUInt16BE(blocks, 6);
    sign(extent, 24);
    return extent;
  };
  const bytes = EXTENT_HEADER + PER_EXTENT * BLOCK;
  const whole = Math.floor(clusters / PER_EXTENT);
  const restClusters = clusters - whole * PER_EXTENT;
  const rest = Buffer.alloc(EXTENT_HEADER + restClusters * BLOCK);
  extentAt(whole).copy(rest);
  for (let i = 0; i < restClusters; i++)
    rest.fill(byteOf(whole * PER_EXTENT + i), EXTENT_HEADER + i * BLOCK);
  const headers = rowOf(header, { bytes, count: whole, at: extentAt }, rest);
  const read: ByteSource['read'] = async (target, offset) => {
    const inRow = offset - header.length;
    const index = Math.floor(inRow / bytes);
    const inExtent = inRow - index * bytes;
    if (inRow < 0 || index >= whole || inExtent < EXTENT_HEADER)
      return headers.read(target, offset);
    // Of one cluster, as its reader asks.
    target.fill(byteOf(index * PER_EXTENT + Math.floor((inExtent - EXTENT_HEADER) / BLOCK)));
  };
  const { readHead } = imageFormat('vma');
  return {
    reader: { readHead, open: (file) => heldDisksOf('vma')!.open(file, 'drive-scsi0') },
    file: { ...headers, read },
    sizeBytes,
    data: places(clusters).map((cluster) => [cluster * BLOCK, byteOf(cluster)]),
    memoryBytes: 28 * 1024 * 1024,
  };
}

/** Compressed by virtnbdbackup, a disk of 60 TB in 20,000 pieces: each piece has a header, its payload and a number in the trailer. Two million are
 *  the most that are read. */
export function largestCompressedStream(): Largest {
  const count = 20_000;
  const sizeBytes = Math.floor(60e12 / BLOCK) * BLOCK;
  const stride = Math.floor(sizeBytes / BLOCK / count) * BLOCK;
  const frames = [{ start: 0, data: Buffer.alloc(BLOCK, 1) }];
  const one = (byte: number): Buffer =>
    streamFile({
      ...{ virtualSize: BLOCK, compressedBy: BLOCK },
      frames: [{ start: 0, data: Buffer.alloc(BLOCK, byte) }],
    });
  const sample = one(1);
  const payloadAt = sample.indexOf(LINE_END, FRAME_HEADER) + LINE_END.length + FRAME_HEADER;
  const payloadEnd = sample.lastIndexOf('stop ') - LINE_END.length;
  const payloads = Array.from({ length: 250 }, (_, byte) =>
    one(byte + 1).subarray(payloadAt, payloadEnd),
  );
  const storedBytes = payloadEnd - payloadAt;
  const whole = streamFile({
    ...{ virtualSize: sizeBytes, compressedBy: BLOCK, frames },
    meta: { dataSize: count * BLOCK },
  });
  const start = whole.subarray(0, whole.indexOf('data '));
  const hex = (value: number): string => value.toString(16).padStart(16, '0');
  const header = (kind: string, at: number, length: number): Buffer =>
    Buffer.from(`${kind} ${hex(at)} ${hex(length)}${LINE_END}`);
  const trailer = Buffer.from(JSON.stringify(Array<number>(count).fill(storedBytes)));
  const end = Buffer.concat([
    ...[header('stop', 0, 0), trailer, Buffer.from(LINE_END)],
    header('comp', 0, trailer.length),
  ]);
  const frameAt = (index: number): Buffer =>
    Buffer.concat([
      header('data', index * stride, BLOCK),
      payloads[index % 250]!,
      Buffer.from(LINE_END),
    ]);
  const bytes = FRAME_HEADER + storedBytes + LINE_END.length;
  return {
    reader: imageFormat('virtnbd'),
    file: rowOf(start, { bytes, count, at: frameAt }, end),
    sizeBytes,
    data: places(count).map((index) => [index * stride, byteOf(index)]),
    memoryBytes: 32 * 1024 * 1024,
  };
}
