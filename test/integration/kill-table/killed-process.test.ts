import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RealChain, type StorageCall } from '../../support/kill-table/real-chain.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import { requireTool } from '../../support/image/qemu.js';

const FIRST = '2026-11-01T010000Z';
const SECOND = '2026-11-02T010000Z';

async function chainOf(name: ScenarioName, work: 'copy' | 'merge'): Promise<RealChain> {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-killed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return new RealChain(await prepareScenario(name), work, folder);
}

describe.skipIf(!requireTool('strace'))('a real process that is killed at a system call', () => {
  it.each<[StorageCall, number]>([
    ['pwrite64', 33],
    ['fdatasync', 8],
    ['fsync', 30],
    ['rename', 6],
  ])('has copied nothing wrong when it dies before %s number %i', async (call, count) => {
    const chain = await chainOf('copy of a chain of 2', 'copy');
    await chain.runUntil(call, count);
    expect((await chain.look(true)).faults).toEqual([]);
    await chain.runToEnd();
    expect(await chain.look(false)).toMatchObject({ shown: [FIRST, SECOND], faults: [] });
    expect(await chain.faultsOfDigests()).toEqual([]);
  });

  it.each<[StorageCall, number]>([
    ['pwrite64', 9],
    ['fdatasync', 8],
    ['rename', 6],
    ['unlink', 1],
  ])('loses no point of a merge when it dies before %s number %i', async (call, count) => {
    const chain = await chainOf('merge in a chain of 2', 'merge');
    await chain.runUntil(call, count);
    const { shown, faults } = await chain.look(true);
    expect(faults).toEqual([]);
    expect(shown).toContain(SECOND);
    await chain.runToEnd();
    expect(await chain.look(false)).toMatchObject({ shown: [SECOND], faults: [] });
    expect(await chain.faultsOfDigests()).toEqual([]);
  });
});
