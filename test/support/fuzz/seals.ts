import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import { crc32c } from '../../../src/image/vhdx/crc32c.js';

/** Makes the checksums of a changed file right again, as far as its structures can still be found: without that a reader sees nothing of a change but
 *  that there was one. By format; of the others no reader asks for any. */
export const SEALS: Readonly<Record<FormatId, (bytes: Buffer) => void>> = {
  vhd: sealVhd,
  vhdx: sealVhdx,
  vma: sealVma,
  tar: sealTar,
  ova: sealTar,
  dump: sealDump,
  xz: sealXz,
};

/** One's complement of the sum of all bytes but its own. Source: Virtual Hard Disk Image Format Specification 1.0. */
function sealVhd(bytes: Buffer): void {
  const sum = (at: number, length: number, place: number): void => {
    if (at < 0 || at + length > bytes.length) return;
    const part = bytes.subarray(at, at + length);
    part.writeUInt32BE(0, place);
    part.writeUInt32BE(~part.reduce((total, byte) => total + byte, 0) >>> 0, place);
  };
  const isDynamic = bytes.toString('latin1', 0, 8) === 'conectix';
  const footer = bytes.length - 512;
  sum(footer, 512, 64);
  if (!isDynamic) return;
  sum(0, 512, 64);
  if (footer < 0) return;
  const headerAt = Number(bytes.readBigUInt64BE(footer + 16));
  if (headerAt < bytes.length) sum(headerAt, 1_024, 36);
}

/** CRC-32C of headers, region tables and entries of the log. Source: [MS-VHDX] 2.2, 2.3. */
function sealVhdx(bytes: Buffer): void {
  const sum = (at: number, length: number): void => {
    if (at + length > bytes.length) return;
    const part = bytes.subarray(at, at + length);
    part.writeUInt32LE(0, 4);
    part.writeUInt32LE(crc32c(part), 4);
  };
  for (const at of [0x1_0000, 0x2_0000]) sum(at, 4_096);
  for (const at of [0x3_0000, 0x4_0000]) sum(at, 65_536);
  const head = bytes.subarray(0, LOG_END);
  for (let at = head.indexOf('loge', LOG_START); at >= 0; at = head.indexOf('loge', at + 4)) {
    const isEntry = at % 4_096 === 0 && at + 12 <= bytes.length;
    const length = isEntry ? bytes.readUInt32LE(at + 8) : 0;
    if (length >= 4_096 && length <= 2 ** 20) sum(at, length);
  }
}

/** Where logs of 1 MiB lie in files of QEMU, Windows and Longhaul. */
const LOG_START = 2 ** 20;
const LOG_END = 2 ** 21;

/** MD5 with zeros in its own place. Source: vma_spec.txt. */
function sealVma(bytes: Buffer): void {
  const sum = (at: number, length: number, place: number): void => {
    const part = bytes.subarray(at, at + length);
    if (part.length < place + 16) return;
    part.fill(0, place, place + 16);
    createHash('md5').update(part).digest().copy(part, place);
  };
  if (bytes.length < 12_288) return;
  sum(0, Math.min(bytes.readUInt32BE(56), 65_536), 32);
  for (let at = bytes.indexOf('VMAE'); at >= 0; at = bytes.indexOf('VMAE', at + 4))
    if (at % 512 === 0) sum(at, 512, 24);
}

/** Sum of all bytes, blanks in its own place. Source: POSIX.1-1988, ustar. */
function sealTar(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    const header = bytes.subarray(at, at + 512);
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}

/** All words add up to 84,446. Source: illumos head/protocols/dumprestore.h. */
function sealDump(bytes: Buffer): void {
  const MAGICS = [60_011, 60_012, 0x1954_0119];
  for (let at = 0; at + 1_024 <= bytes.length; at += 1_024) {
    const header = new DataView(bytes.buffer, bytes.byteOffset + at, 1_024);
    for (const isLittle of [true, false]) {
      if (!MAGICS.includes(header.getInt32(24, isLittle))) continue;
      header.setInt32(28, 0);
      let sum = 84_446;
      for (let word = 0; word < 1_024; word += 4) sum = (sum - header.getInt32(word, isLittle)) | 0;
      header.setInt32(28, sum, isLittle);
    }
  }
}

/** CRC-32 of flags and size of the index. Source: The .xz File Format 1.1.0, 2.1.2. */
function sealXz(bytes: Buffer): void {
  const at = bytes.length - 12;
  if (at >= 0) bytes.writeUInt32LE(crc32(bytes.subarray(at + 4, at + 10)), at);
}
