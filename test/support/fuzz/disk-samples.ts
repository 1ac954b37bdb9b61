import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { MemoryBytes } from '../image/byte-files.js';
import { blockOf, composeDisk } from '../image/composed-disk.js';
import { closedVhdx, openedVhdx } from '../image/open-vhdx.js';
import { Qcow2ByHand, type ClusterKind } from '../image/qcow2-by-hand.js';
import { requireTool } from '../image/qemu.js';

const MIB = 1024 * 1024;

/** Disks that a plain full of our own composer does not show: on a parent, compressed, with snapshots, with a log. What only qemu-img makes is left out where
 *  it cannot be run. */
export async function diskSamples(id: FormatId): Promise<Uint8Array[]> {
  const made = (await MADE[id]?.()) ?? [];
  const converted = requireTool('qemu-img') ? (CONVERTED[id]?.() ?? []) : [];
  return [...made, ...converted];
}

const MADE: Readonly<Record<FormatId, () => Promise<Uint8Array[]>>> = {
  qcow2: async () => [await onParent('qcow2'), extendedQcow2()],
  vhd: async () => [await onParent('vhd')],
  vhdx: async () => [await onParent('vhdx'), openedVhdx(await closedVhdx())],
  vmdk: async () => [await onParent('vmdk')],
};

const CONVERTED: Readonly<Record<FormatId, () => Uint8Array[]>> = {
  qcow2: () => [
    byQemu('qcow2', ['-c']),
    byQemu('qcow2', ['-c', '-o', 'compression_type=zstd']),
    byQemu('qcow2', ['-o', 'cluster_size=4k,lazy_refcounts=on']),
    byQemu('qcow2', ['-o', 'compat=0.10'], (path) => {
      execFileSync('qemu-img', ['snapshot', '-c', 'before', path]);
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 9 64k 64k', path]);
    }),
  ],
  vhd: () => [
    byQemu('vpc', ['-o', 'subformat=fixed,force_size=on']),
    byQemu('vpc', ['-o', 'subformat=dynamic,force_size=on']),
  ],
  vhdx: () => [byQemu('vhdx', ['-o', 'subformat=fixed,block_size=1M,log_size=1M'])],
  vmdk: () => [byQemu('vmdk', ['-o', 'subformat=monolithicSparse'])],
  'vmdk-stream': () => [byQemu('vmdk', ['-o', 'subformat=streamOptimized'])],
};

async function onParent(id: FormatId): Promise<Uint8Array> {
  const dialect = {};
  const full = { virtualSizeBytes: MIB, dialect, blocks: new Map([[0, blockOf(1)]]) };
  const { bytes } = await composeDisk(composerOf(id), full);
  const { linkId } = await imageFormat(id).readHead(new MemoryBytes(bytes));
  const blocks = new Map<number, Uint8Array | 'zero'>([
    [1, blockOf(2)],
    [5, 'zero'],
    [15, blockOf(3)],
  ]);
  const parent = { link: 'full.img', format: id, linkId, virtualSizeBytes: MIB };
  const seed = 'a'.repeat(32);
  return (await composeDisk(composerOf(id), { ...full, blocks, parent, seed })).bytes;
}

function extendedQcow2(): Buffer {
  const clusters = new Map<number, ClusterKind>([
    [0, { is: 'data' }],
    [1, { is: 'parts', parts: 'dz-'.repeat(11).slice(0, 32), hasPlace: true }],
    [2, { is: 'compressed', startsAt: 0 }],
    [3, { is: 'parts', parts: 'z'.repeat(16) + '-'.repeat(16), hasPlace: false }],
  ]);
  const made = { clusterBits: 16, isExtended: true, virtualSizeBytes: MIB, clusters };
  return new Qcow2ByHand({ ...made, order: [0, 1, 2, 3] }).bytes;
}

/** A disk of 1 MiB with data, text and zeros. */
function byQemu(format: string, args: readonly string[], then?: (path: string) => void): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-sample-'));
  try {
    const [raw, path] = [join(folder, 'disk.raw'), join(folder, 'disk.img')];
    const disk = Buffer.alloc(MIB);
    disk.set(blockOf(1));
    disk.fill('a line of text\n', 3 * 65_536, 5 * 65_536);
    disk.set(blockOf(2), 15 * 65_536);
    writeFileSync(raw, disk);
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...args, raw, path]);
    then?.(path);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
