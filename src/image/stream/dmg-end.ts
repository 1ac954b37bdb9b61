import type { ByteSource } from '../byte-source.js';
import { cutBefore } from './cut-before.js';

const TRAILER_BYTES = 512;
const VERSION = 4;
/** Big-endian, from the start of the trailer. */
const AT = {
  version: 4,
  trailerBytes: 8,
  segments: 60,
  /** Offset and length, 64 bits each: of the data, of the resources, of the property list. */
  ranges: [24, 40, 216],
} as const;
/** As the first packed stretch of an image begins: zlib, bzip2, LZFSE, xz. An image as it is (UDRW, ISO) and an encrypted one begin otherwise, and need no trailer. */
const PACKED = [/^78(?:01|5e|9c|da)/, /^425a68/, /^627678/, /^fd377a585a/];

/** Why an image of Apple (UDIF) is not one to its end; null: it is, or is none that this knows. Tools write the data, then what tells where they lie, then a
 *  trailer that tells where that is.
 *  Source: VirtualBox src/VBox/Storage/DMG.cpp; libdmg-hfsplus includes/dmg/dmg.h. No image of a Mac was at hand. */
export async function dmgFault(source: ByteSource): Promise<string | null> {
  const { sizeBytes } = source;
  const trailer = new Uint8Array(Math.min(TRAILER_BYTES, sizeBytes));
  await source.read(trailer, sizeBytes - trailer.length);
  const isThere =
    trailer.length === TRAILER_BYTES &&
    Buffer.from(trailer.subarray(0, 4)).toString('latin1') === 'koly';
  if (!isThere) {
    const head = new Uint8Array(Math.min(8, sizeBytes));
    await source.read(head, 0);
    const hex = Buffer.from(head).toString('hex');
    return PACKED.some((magic) => magic.test(hex)) ? cutBefore('its trailer (koly)') : null;
  }
  const view = new DataView(trailer.buffer);
  if (view.getUint32(AT.version) !== VERSION || view.getUint32(AT.trailerBytes) !== TRAILER_BYTES)
    return null;
  const segments = view.getUint32(AT.segments);
  if (segments > 1)
    return `is one of ${segments} segments, each of which is worth something only with the others`;
  const isWithin = AT.ranges.every((at) => {
    const end = view.getBigUint64(at) + view.getBigUint64(at + 8);
    return end <= BigInt(sizeBytes - TRAILER_BYTES);
  });
  return isWithin ? null : 'lacks a part of what its trailer lists: it was put together of parts';
}
