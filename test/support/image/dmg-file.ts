import { deflateSync } from 'node:zlib';

/** An image of a Mac as its tools put one together: data, property list, trailer. Synthetic, after VirtualBox DMG.cpp. */
export function dmgFile(disk: Uint8Array): Buffer {
  const data = deflateSync(disk, { level: 9 });
  const list = Buffer.from('<?xml version="1.0"?><plist version="1.0"/>');
  const trailer = Buffer.alloc(512);
  trailer.write('koly', 0, 'latin1');
  for (const [at, value] of [
    [4, 4],
    [8, 512],
    [12, 1],
    [56, 1],
    [60, 1],
  ] as const)
    trailer.writeUInt32BE(value, at);
  for (const [at, value] of [
    [32, data.length],
    [216, data.length],
    [224, list.length],
    [492, Math.ceil(disk.length / 512)],
  ] as const)
    trailer.writeBigUInt64BE(BigInt(value), at);
  return Buffer.concat([data, list, trailer]);
}
