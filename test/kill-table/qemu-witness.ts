import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readChainRecord } from '../../src/chain/chain-store.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { qemuBytes, qemuCheck } from '../support/image/qemu.js';
import type { SimulatedRepository } from '../support/repository/simulated-repository.js';
import type { ChainUnderTest } from './read-points.js';

/** As `qemuFaultsIn`, of a simulated repository: its files are written out first. */
export async function qemuFaults(
  target: SimulatedRepository,
  under: ChainUnderTest,
  mayLeak: boolean,
): Promise<string[]> {
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
 *  @param mayLeak leaked clusters are not counted as faults
 *  @returns faults, in words */
export async function qemuFaultsIn(
  folder: string,
  target: BackupRepository,
  { chain, truth }: ChainUnderTest,
  mayLeak: boolean,
): Promise<string[]> {
  const faults: string[] = [];
  const record = await readChainRecord(target, chain);
  for (const { state, source, disks } of record?.points ?? [])
    for (const { disk, path } of disks) {
      // A retired full may have been renamed already: the increment that it went into stands for it then.
      if (state === 'retired' && (await target.stat(`${chain}/${path}`)) === null) continue;
      const file = join(folder, chain, path);
      const { errors, leaks } = await qemuCheck(file);
      if (errors > 0) faults.push(`qemu-img check finds ${errors} errors in ${path}`);
      if (leaks > 0 && !mayLeak) faults.push(`qemu-img check finds ${leaks} leaks in ${path}`);
      const expected = truth.get(source.restorePointId)?.get(disk);
      if (state === 'available' && expected?.equals(await qemuBytes(file, 'qcow2')) !== true)
        faults.push(`qemu-img reads other bytes from ${path}`);
    }
  return faults;
}
