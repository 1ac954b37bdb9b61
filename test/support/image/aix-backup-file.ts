/** A backup by name of AIX as `backup -i` writes it: headers of so many words of 8 bytes, type, magic number (little-endian), and the end filled up with
 *  what was in memory. After IBM's AIX Files Reference (backup File) and NattyNarwhal/bff.ex; no file of the tool was at hand. */
export function aixBackupFile(
  files: Readonly<Record<string, Buffer>>,
  { firstMagic = 60_011, blockBytes = 51_200 } = {},
): Buffer {
  const parts = [header(9, 0, firstMagic)];
  for (const [name, content] of Object.entries(files)) {
    const path = padded(Buffer.from(`${name}\0`));
    const head = header(8 + path.length / 8, 11, 60_011).subarray(0, 64);
    head.writeUInt32LE(content.length, 24);
    head.writeUInt32LE(content.length, 56);
    parts.push(head, path, Buffer.alloc(8), padded(content));
  }
  parts.push(header(9, 7, 60_011));
  const whole = Buffer.concat(parts);
  const left = (blockBytes - (whole.length % blockBytes)) % blockBytes;
  return Buffer.concat([whole, Buffer.alloc(left, 'of an earlier write ')]);
}

function header(words: number, type: number, magic: number): Buffer {
  const bytes = Buffer.alloc(words * 8);
  bytes.writeUInt8(words, 0);
  bytes.writeUInt8(type, 1);
  bytes.writeUInt16LE(magic, 2);
  bytes.writeUInt16LE(0x1234, 4);
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
}
