import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { Dialect } from '../../../src/image/disk-image.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { MemoryBytes } from '../image/byte-files.js';
import { composeDisk } from '../image/composed-disk.js';
import { streamFile, type StreamFrame } from '../image/stream-file.js';
import { vmaFile } from '../image/vma-file.js';
import { blockOf, OVIRT, type BelowIt, type SourceFormat } from './source-format.js';

/** The formats of backups of machines that the kill table is tried with, beside that of oVirt. Their files lie under the names of `machine-layout.ts`: what is
 *  stopped is the work on the copy, which knows a source by its format alone. */
export const MACHINE_FORMATS: readonly SourceFormat[] = [
  composed('vmdk', {}),
  composed('vhdx', { physicalSectorBytes: 512 }),
  composed('vhd', { isFixed: false }),
  { ...named('virtnbd'), convert: streamOf },
  { ...named('raw'), convert: (name, disk) => new Map([[name, disk]]) },
  opaque('vma', (name, disk) => vmaFile({ devices: [{ name: 'drive-scsi0', disk }] }).bytes),
  opaque('ova', (name, disk) => packageOf(disk)),
];

/** Of all that `--format` takes.
 *  @throws Error that names them */
export function formatNamed(id: string): SourceFormat {
  const formats = [OVIRT, ...MACHINE_FORMATS];
  const format = formats.find((row) => row.id === id);
  if (format !== undefined) return format;
  throw new Error(`--format takes ${formats.map((row) => row.id).join(', ')}`);
}

const BLOCK_BYTES = 65_536;

function named(id: FormatId): Pick<SourceFormat, 'id' | 'fileName'> {
  const { extension } = imageFormat(id);
  return {
    id,
    fileName: (day, pointId, diskId) => `${day + 1}.${pointId}.${diskId}.${extension}`,
  };
}

/** Fulls, and files that build on others. A tool begins a disk that was resized anew. */
export function composed(id: FormatId, dialect: Dialect): SourceFormat {
  const convert = async (name: string, disk: Buffer, below: BelowIt | null) => {
    const parent = below?.disk.length === disk.length ? below : null;
    const file = await composeDisk(
      composerOf(id),
      {
        ...{ virtualSizeBytes: disk.length, blocks: changesOf(disk, parent?.disk), dialect },
        ...(parent === null ? {} : { parent: await linkTo(id, parent) }),
        seed: createHash('sha256').update(name).digest('hex').slice(0, 32),
      },
      name,
    );
    return new Map([[name, file.bytes]]);
  };
  return { ...named(id), convert };
}

async function linkTo(id: FormatId, { name, disk, file }: BelowIt) {
  const { linkId } = await imageFormat(id).readHead(new MemoryBytes(file, name));
  return { link: name, format: id, linkId, virtualSizeBytes: disk.length };
}

/** Blocks that differ from the disk below, or from zeros. */
function changesOf(disk: Buffer, below: Buffer = Buffer.alloc(0)): Map<number, Buffer | 'zero'> {
  const changes = new Map<number, Buffer | 'zero'>();
  for (let at = 0; at < disk.length; at += BLOCK_BYTES) {
    const bytes = blockOf(disk, at);
    if (bytes.equals(blockOf(below, at))) continue;
    const isZero = bytes.every((byte) => byte === 0);
    changes.set(at / BLOCK_BYTES, isZero ? 'zero' : bytes.subarray(0, disk.length - at));
  }
  return changes;
}

/** A stream of virtnbdbackup: its full tells zeros, its increments have them as data. */
function streamOf(name: string, disk: Buffer, below: BelowIt | null): Map<string, Buffer> {
  const parent = below?.disk.length === disk.length ? below : null;
  const checkpoint = (file: string) => `virtnbdbackup.${Number(file.split('.')[0]) - 1}`;
  const changes = changesOf(disk, parent?.disk);
  const frames: StreamFrame[] = [];
  for (let at = 0; at < disk.length; at += BLOCK_BYTES) {
    const content = changes.get(at / BLOCK_BYTES);
    const bytes = Math.min(BLOCK_BYTES, disk.length - at);
    if (content === undefined && parent !== null) continue;
    const isZero = content === undefined || content === 'zero';
    const zeros = parent === null ? bytes : Buffer.alloc(bytes);
    frames.push({ start: at, data: isZero ? zeros : content });
  }
  const stream = streamFile({
    ...{ virtualSize: disk.length, frames, checkpoint: checkpoint(name) },
    ...(parent === null ? {} : { parent: checkpoint(parent.name) }),
  });
  return new Map([[name, stream]]);
}

function opaque(id: FormatId, fileOf: (name: string, disk: Buffer) => Buffer): SourceFormat {
  const convert: SourceFormat['convert'] = (name, disk) => new Map([[name, fileOf(name, disk)]]);
  return { ...named(id), convert, isOpaque: true, isFullsOnly: true };
}

/** As tar packs a descriptor and a disk. */
function packageOf(disk: Buffer): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-package-'));
  try {
    writeFileSync(join(folder, 'mail01.ovf'), '<Envelope/>');
    writeFileSync(join(folder, 'mail01-disk1.img'), disk);
    const members = ['mail01.ovf', 'mail01-disk1.img'];
    execFileSync('tar', ['--format=ustar', '--mtime=@0', '-cf', 'mail01.ova', ...members], {
      cwd: folder,
    });
    return readFileSync(join(folder, 'mail01.ova'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
