/** Files of SQL Server that no fixture shows, laid out anew from a real one of blocks of 512 bytes that holds one set: in larger blocks, which the head and
 *  the file marks fill (MTF 1.00a, soft filemarks; `uSoftFilemarkBlockSize` counts 512 bytes), and with several sets, as NOINIT appends them. */
export function mtfFile(
  real: Buffer,
  { blockBytes = 512, sets = 1 }: { readonly blockBytes?: number; readonly sets?: number } = {},
): Buffer {
  const starts = [...Array(Math.floor(real.length / 512)).keys()].map((index) => 512 * index);
  const marks = starts.filter((at) => real.toString('latin1', at, at + 4) === 'SFMB');
  const [before, within, closing] = marks as [number, number, number];
  const parts: Buffer[] = [];
  let size = 0;
  const put = (bytes: Buffer): number => {
    const at = size;
    parts.push(padded(bytes, blockBytes));
    size += parts.at(-1)!.length;
    return at;
  };
  const known: number[] = [];
  const mark = (): void => {
    known.unshift(put(markOf(real.subarray(before, before + 512), blockBytes, known)));
  };
  const head = Buffer.from(real.subarray(0, before));
  head.writeUInt16LE(blockBytes / 512, 64);
  put(summed(head, 0));
  mark();
  for (let number = 1; number <= sets; number++) {
    const set = Buffer.from(real.subarray(before + 512, within));
    set.writeUInt16LE(number, 62);
    put(summed(set, 0));
    mark();
    put(real.subarray(within + 512, closing));
    mark();
  }
  return Buffer.concat(parts);
}

/** @param known where the marks before it stand, newest first: it has room for so many */
function markOf(real: Buffer, blockBytes: number, known: readonly number[]): Buffer {
  const mark = padded(real, blockBytes);
  const entries = (blockBytes - 72) / 8;
  const named = known.slice(0, entries);
  mark.writeUInt32LE(entries, 52);
  mark.writeUInt32LE(named.length, 56);
  named.forEach((at, index) => mark.writeBigUInt64LE(BigInt(at), 72 + 8 * index));
  return summed(mark, 0);
}

function padded(bytes: Buffer, blockBytes: number): Buffer {
  return Buffer.concat([bytes], Math.ceil(bytes.length / blockBytes) * blockBytes);
}

/** With the XOR of the 25 words before it at 50. */
export function summed(bytes: Buffer, at: number): Buffer {
  let sum = 0;
  for (let word = 0; word < 25; word++) sum ^= bytes.readUInt16LE(at + 2 * word);
  bytes.writeUInt16LE(sum, at + 50);
  return bytes;
}

/** A compressed file as SQL Server 2014 and later lays it out: the head of the media, then the descriptors of the set, then pages nobody reads.
 *  @param real of one set */
export function packedFile(real: Buffer): Buffer {
  const data = ['MSDA', 'MSTL'].map((type) => real.indexOf(type)).filter((at) => at > 0);
  const head = Buffer.alloc(16);
  head.write('MSSQLBAK', 'latin1');
  head.writeUInt32LE(2, 8);
  const first = real.indexOf('SFMB');
  return Buffer.concat([
    padded(Buffer.concat([head, packedRecord(real.subarray(0, first))]), 512),
    real.subarray(first, first + 512),
    packedRecord(real.subarray(first + 512, Math.min(...data))),
    Buffer.alloc(9000, 7),
  ]);
}

/** 16 bytes that nobody reads, a word of zeros and one of a checksum stand between size and data. */
function packedRecord(bytes: Buffer): Buffer {
  const data = literals(bytes);
  const head = Buffer.alloc(32);
  head.writeUInt16LE(data.length, 6);
  head.fill(0xff, 8, 24);
  head.writeUInt32LE(0x12345678, 28);
  return Buffer.concat([head, data]);
}

/** Xpress of bytes alone: each of the 256 has a code of eight bits, its own value; a word of 16 bits has its first byte behind the second. */
function literals(bytes: Buffer): Buffer {
  const even = padded(bytes, 2);
  return Buffer.concat([Buffer.alloc(128, 0x88), Buffer.alloc(128), Buffer.from(even).swap16()]);
}
