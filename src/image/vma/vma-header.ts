import { createHash } from 'node:crypto';
import type { ByteSource } from '../byte-source.js';
import { checkInside, corruptField, imageFault, limit } from '../image-fault.js';

/** Head of an archive of Proxmox VE: several disks and the definition of their machine in one file.
 *  Source: proxmox/pve-qemu-kvm vma_spec.txt, version 1. All numbers are big-endian, but the sizes of blobs. */
export interface VmaHeader {
  readonly uuid: Buffer;
  /** Where the extents begin. */
  readonly headerBytes: number;
  readonly devices: readonly VmaDevice[];
  /** `qemu-server.conf`, `qemu-server.fw`, … as text. */
  readonly configs: readonly { readonly name: string; readonly text: string }[];
}

export interface VmaDevice {
  /** 1 to 255: how extents name it. */
  readonly id: number;
  /** `drive-scsi0`; `vmstate` is the memory of the machine. */
  readonly name: string;
  readonly sizeBytes: number;
}

const MAGIC = 0x564d_4100; // `VMA\0`
const FIXED_BYTES = 12_288;
/** The definition of a machine has some kilobytes. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024;
const SECTOR_BYTES = 512;
const MD5_OFFSET = 32;
const MD5_BYTES = 16;
const NAMES_OFFSET = 2_044;
const DATA_OFFSET = 3_068;
const DEVICES_OFFSET = 4_096;
const DEVICE_BYTES = 32;
const ENTRIES = 256;
const CLUSTER_BYTES = 65_536;
/** Extents number clusters with 32 bits. */
const MAX_DEVICE_BYTES = 2 ** 32 * CLUSTER_BYTES;

/** @throws IMAGE_MAGIC_MISSING, IMAGE_TRUNCATED, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED */
export async function readVmaHeader(source: ByteSource): Promise<VmaHeader> {
  const start = Buffer.alloc(Math.min(FIXED_BYTES, source.sizeBytes));
  await source.read(start, 0);
  if (start.length < 4 || start.readUInt32BE(0) !== MAGIC)
    throw imageFault(source, 'IMAGE_MAGIC_MISSING', 'is no VMA archive', { offset: 0 });
  checkInside(source, 'the header', 0, FIXED_BYTES);
  if (start.readUInt32BE(4) !== 1)
    throw imageFault(source, 'IMAGE_VERSION_UNKNOWN', `is of version ${start.readUInt32BE(4)}`, {
      offset: 4,
      seen: start.readUInt32BE(4),
    });
  const headerBytes = start.readUInt32BE(56);
  limit(source, 'the size of the header', 56, headerBytes, FIXED_BYTES, MAX_HEADER_BYTES);
  if (headerBytes % SECTOR_BYTES !== 0)
    throw corruptField(source, 'the size of the header', 56, headerBytes, 'a multiple of 512');
  checkInside(source, 'the header', 0, headerBytes);
  const header = Buffer.alloc(headerBytes);
  await source.read(header, 0);
  checkMd5(source, header, MD5_OFFSET, 'the header', 0);
  const blobs = blobsOf(source, header);
  return {
    uuid: header.subarray(8, 24),
    headerBytes,
    devices: devicesOf(source, header, blobs),
    configs: configsOf(header, blobs),
  };
}

/** @param offset of `bytes` in the file
 *  @throws IMAGE_CORRUPT unless `bytes` carries its own MD5, taken with zeros in its place */
export function checkMd5(
  source: ByteSource,
  bytes: Buffer,
  at: number,
  what: string,
  offset: number,
): void {
  const stored = bytes.subarray(at, at + MD5_BYTES);
  const md5 = createHash('md5')
    .update(bytes.subarray(0, at))
    .update(Buffer.alloc(MD5_BYTES))
    .update(bytes.subarray(at + MD5_BYTES))
    .digest();
  if (!md5.equals(stored))
    throw imageFault(source, 'IMAGE_CORRUPT', `${what} at byte ${offset} has another MD5`, {
      offset,
    });
}

/** What lies at a pointer: u16 length, little-endian, then the bytes. */
type Blobs = (pointer: number) => Buffer;

function blobsOf(source: ByteSource, header: Buffer): Blobs {
  const offset = header.readUInt32BE(48);
  const bytes = header.readUInt32BE(52);
  if (offset < FIXED_BYTES || offset + bytes > header.length)
    throw corruptField(source, 'the place of the blobs', 48, offset, 'inside the header');
  const blobs = header.subarray(offset, offset + bytes);
  return (pointer) => {
    const start = pointer + 2;
    const end = start <= blobs.length ? start + blobs.readUInt16LE(pointer) : Infinity;
    if (end > blobs.length)
      throw corruptField(source, 'a pointer to a blob', offset, pointer, 'inside the blobs');
    return blobs.subarray(start, end);
  };
}

function devicesOf(source: ByteSource, header: Buffer, blobs: Blobs): VmaDevice[] {
  const devices: VmaDevice[] = [];
  for (let id = 1; id < ENTRIES; id++) {
    const at = DEVICES_OFFSET + id * DEVICE_BYTES;
    const pointer = header.readUInt32BE(at);
    const sizeBytes = Number(header.readBigUInt64BE(at + 8));
    if (pointer === 0 && sizeBytes === 0) continue;
    limit(source, `the size of device ${id}`, at + 8, sizeBytes, 1, MAX_DEVICE_BYTES);
    devices.push({ id, name: textOf(blobs(pointer)), sizeBytes });
  }
  return devices;
}

function configsOf(header: Buffer, blobs: Blobs): VmaHeader['configs'] {
  const configs: { name: string; text: string }[] = [];
  for (let i = 0; i < ENTRIES; i++) {
    const name = header.readUInt32BE(NAMES_OFFSET + i * 4);
    const data = header.readUInt32BE(DATA_OFFSET + i * 4);
    if (name === 0 || data === 0) continue;
    configs.push({ name: textOf(blobs(name)), text: blobs(data).toString('utf8') });
  }
  return configs;
}

/** Names end with a byte of zero. */
function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
