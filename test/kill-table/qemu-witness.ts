import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChainRecord } from '../../src/chain/chain-record.js';
import { readChainRecord } from '../../src/chain/chain-store.js';
import type { FormatId } from '../../src/domain/sources/source-workload.js';
import { targetLayersOf } from '../../src/mover/copy/scan-plan.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { libvhdiBytes } from '../support/image/libvhdi.js';
import { qemuBytes, qemuCheck } from '../support/image/qemu.js';
import { diskOfStreams } from '../support/image/stream-file.js';
import type { SimulatedRepository } from '../support/repository/simulated-repository.js';
import type { ChainUnderTest, PointFault } from './read-points.js';

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
  target: BackupRepository,
  { chain, truth }: ChainUnderTest,
  mayLeak: boolean,
): Promise<PointFault[]> {
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
      if (layers.some((layer) => isMisread(record!, chain, layer.path))) continue;
      const files = layers.map((layer) => join(folder, layer.path));
      const expected = truth.get(source.restorePointId)?.get(disk);
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

/** Where nothing has changed an increment of VHDX has no sector bitmap, which libvhdi does not know. */
function isMisread({ points }: ChainRecord, chain: string, path: string): boolean {
  const disk = points
    .flatMap(({ disks }) => disks)
    .find((entry) => `${chain}/${entry.path}` === path);
  if (disk?.format !== 'vhdx' || disk.kind !== 'increment') return false;
  return (disk.digests.slots?.slotCount ?? 0) === 0;
}
