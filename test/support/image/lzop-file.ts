const MAGIC = Buffer.from('894c5a4f000d0a1a0a', 'hex');
/** Written by 1.04 (0x1040) with LZO 2.10, read by 0.94 and later; LZO1X-1, of Unix, with a checksum of what each block held. */
const FLAGS = 0x0300_0001;
const BLOCK_BYTES = 262_144;

/** What `lzop` writes of bytes that do not get smaller: each block is stored as it is. Made by hand after lzop 1.04 (src/lzop.c, write_header and
 *  lzo_compress), because no build has that program; `lzop -t` and `lzop -dc` take it. */
export function lzopFile(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(25);
  head.writeUInt16BE(0x1040, 0);
  head.writeUInt16BE(0x20a0, 2);
  head.writeUInt16BE(0x0940, 4);
  head.writeUInt8(1, 6);
  head.writeUInt8(5, 7);
  head.writeUInt32BE(FLAGS, 8);
  head.writeUInt32BE(0o100644, 12);
  const parts = [MAGIC, head, word(adler32(head))];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    parts.push(word(block.length), word(block.length), word(adler32(block)), Buffer.from(block));
  }
  return Buffer.concat([...parts, word(0)]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 1950, 9. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}
