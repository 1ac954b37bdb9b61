import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readChainRecord } from '../../src/chain/chain-store.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { qemuBytes, qemuCheck } from '../support/image/qemu.js';
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

/** Reads every listed point with qemu-img from real files: an eye that knows nothing of Longhaul but the commit record's file names.
 *  Files below a point are checked too, retired ones among them.
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
    for (const { disk, path } of disks) {
      const note = (text: string) => faults.push({ pointId: id, text: `qemu-img ${text} ${path}` });
      // A retired full may have been renamed already: the increment that it went into stands for it then.
      if (state === 'retired' && (await target.stat(`${chain}/${path}`)) === null) continue;
      const file = join(folder, chain, path);
      const { errors, leaks } = await qemuCheck(file);
      if (errors > 0) note(`check finds ${errors} errors in`);
      if (leaks > 0 && !mayLeak) note(`check finds ${leaks} leaks in`);
      const expected = truth.get(source.restorePointId)?.get(disk);
      if (state === 'available' && expected?.equals(await qemuBytes(file, 'qcow2')) !== true)
        note('reads other bytes from');
    }
  return faults;
}
