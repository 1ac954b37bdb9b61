import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canCutPower, PowerCutDisk } from '../../support/kill-table/power-cut-disk.js';
import { RealChain, type StorageCall } from '../../support/kill-table/real-chain.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import { requireTool } from '../../support/image/qemu.js';

const FIRST = '2026-11-01T010000Z';
const SECOND = '2026-11-02T010000Z';

function newDisk(): PowerCutDisk {
  const disk = new PowerCutDisk();
  onTestFinished(() => disk.remove());
  return disk;
}

async function chainOn(
  disk: PowerCutDisk,
  name: ScenarioName,
  work: 'copy' | 'merge',
): Promise<RealChain> {
  const chain = new RealChain(await prepareScenario(name), work, disk.path);
  disk.settle();
  return chain;
}

describe.skipIf(!canCutPower() || !requireTool('strace'))('a power cut on ext4', () => {
  it('takes what was not synced, and leaves what was', () => {
    const disk = newDisk();
    const write = (name: string, isSynced: boolean) => {
      const fd = openSync(join(disk.path, `${name}.partial`), 'w');
      writeSync(fd, name);
      if (isSynced) fsyncSync(fd);
      closeSync(fd);
      renameSync(join(disk.path, `${name}.partial`), join(disk.path, name));
    };
    write('synced', true);
    const folder = openSync(disk.path, 'r');
    fsyncSync(folder);
    closeSync(folder);
    write('not-synced', false);
    disk.cutPower();
    expect(readFileSync(join(disk.path, 'synced'), 'utf8')).toBe('synced');
    expect(() => readFileSync(join(disk.path, 'not-synced'))).toThrow('ENOENT');
  });

  it.each<[StorageCall, number]>([
    ['fdatasync', 12],
    ['rename', 6],
    ['fsync', 40],
  ])('leaves no wrong copy when it comes before %s number %i', async (call, count) => {
    const disk = newDisk();
    const chain = await chainOn(disk, 'copy of a chain of 2', 'copy');
    await chain.runUntil(call, count);
    disk.cutPower();
    expect((await chain.look(true)).faults).toEqual([]);
    await chain.runToEnd();
    expect(await chain.look(false)).toMatchObject({ shown: [FIRST, SECOND], faults: [] });
    expect(await chain.faultsOfDigests()).toEqual([]);
  });

  it.each<[StorageCall, number]>([
    ['pwrite64', 8],
    ['fdatasync', 7],
    ['rename', 7],
    ['rmdir', 1],
  ])('loses no point of a merge when it comes before %s number %i', async (call, count) => {
    const disk = newDisk();
    const chain = await chainOn(disk, 'merge in a chain of 2', 'merge');
    await chain.runUntil(call, count);
    disk.cutPower();
    const { shown, faults } = await chain.look(true);
    expect(faults).toEqual([]);
    expect(shown).toContain(SECOND);
    await chain.runToEnd();
    expect(await chain.look(true)).toMatchObject({ shown: [SECOND], faults: [] });
    expect(await chain.faultsOfDigests()).toEqual([]);
  });
});
