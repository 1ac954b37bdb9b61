import { mkdtempSync, rmSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import { targetLayersOf } from '../../../src/mover/copy/scan-plan.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { libvhdiBytes } from '../image/libvhdi.js';
import { qemuBytes, qemuCheck } from '../image/qemu.js';
import { diskOfStreams } from '../image/stream-file.js';
import type { SimulatedRepository } from '../repository/simulated-repository.js';
import { truthOf, type ChainUnderTest, type PointFault } from './read-points.js';

/** As `qemuFaultsIn`, of a simulated repository: its files are written out first. */
export async function qemuFaults(
  target: SimulatedRepository,
  under: ChainUnderTest,
  mayLeak: boolean,
): Promise<PointFault[]> {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-witness-'));
  try {
    target.exportTo(folder);
    return await qemuFaultsIn(folder, target, under, mayLeak);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads every listed point from real files with a tool that knows nothing of Longhaul, but the commit record's file names: qemu-img, and where that reads a
 *  format wrongly or not at all, libvhdi or the reader of the tests. Files below a point are checked too, retired ones among them.
 *  @param mayLeak leaked clusters are not counted as faults */
export async function qemuFaultsIn(
  folder: string,
  target: SourceRepository,
  under: ChainUnderTest,
  mayLeak: boolean,
): Promise<PointFault[]> {
  const { chain } = under;
  const faults: PointFault[] = [];
  const record = await readChainRecord(target, chain);
  for (const { id, state, source, disks } of record?.points ?? [])
    for (const { disk, path, format } of disks) {
      const note = (text: string) => faults.push({ pointId: id, text: `a tool ${text} ${path}` });
      // A retired full may have been renamed already: the increment that it went into stands for it then.
      if (state === 'retired' && (await target.stat(`${chain}/${path}`)) === null) continue;
      const file = join(folder, chain, path);
      if (format === 'qcow2') {
        const { errors, leaks } = await qemuCheck(file);
        if (errors > 0) note(`finds ${errors} errors in`);
        if (leaks > 0 && !mayLeak) note(`finds ${leaks} leaks in`);
      }
      if (state !== 'available') continue;
      const layers = targetLayersOf(record!, { targetRepositoryId: target.id, chain }, id, disk);
      const files = layers.map((layer) => join(folder, layer.path));
      if (format === 'vhdx' && (await isMisread(files))) continue;
      const expected = truthOf(under, { id, source })?.get(disk);
      if (expected?.equals(await bytesByTool(format, files)) !== true)
        note('reads other bytes from');
    }
  return faults;
}

/** @param files the top first */
async function bytesByTool(format: FormatId, files: readonly string[]): Promise<Buffer> {
  const [top = ''] = files;
  if (format === 'qcow2' || format === 'vmdk') return qemuBytes(top, format);
  if (format === 'vhd' || format === 'vhdx') return libvhdiBytes(...files);
  if (format !== 'virtnbd') return readFile(top);
  const streams: Buffer[] = [];
  for (const file of files) {
    streams.unshift(await readFile(file));
    if (/"incremental": ?false/.test(streams[0]!.toString('latin1', 0, 1_024))) break;
  }
  return diskOfStreams(streams);
}

/** Whether an increment of VHDX among these has no sector bitmap, which libvhdi does not know: it holds nothing, or nothing but whole payload blocks. Longhaul puts
 *  bitmaps behind the BAT, and nothing else (docs/FORMAT.md).
 *  @param files the top first; the last of them is a full */
async function isMisread(files: readonly string[]): Promise<boolean> {
  for (const path of files.slice(0, -1)) {
    const file = await open(path);
    try {
      const table = Buffer.alloc(65_536);
      await file.read(table, 0, table.length, REGION_TABLE_OFFSET);
      const entry = table.indexOf(BAT_REGION);
      const batEnd = Number(table.readBigUInt64LE(entry + 16)) + table.readUInt32LE(entry + 24);
      if ((await file.stat()).size <= batEnd) return true;
    } finally {
      await file.close();
    }
  }
  return false;
}

/** MS-VHDX 2.2.3: offset of the first region table, and the id of the region of the BAT as it lies in one. */
const REGION_TABLE_OFFSET = 192 * 1024;
const BAT_REGION = Buffer.from('6677c22d23f600429d64115e9bfd4a08', 'hex');
