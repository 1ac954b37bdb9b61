import { beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../../src/chain/chain-store.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

/** By the names of the files, as `backup_vm.py` makes them of the local time: at 03:00 CEST on 25 October 2026 it is 02:00 CET. */
const FIRST_MS = Date.parse('2026-10-24T02:50:00Z');
const BEFORE_MS = Date.parse('2026-10-25T02:50:00Z');
/** Twenty minutes after the one before. */
const AFTER_MS = Date.parse('2026-10-25T02:10:00Z');

describe('fulls whose names run backwards in the night in which the clock is set back', () => {
  let source: SimulatedRepository;
  let target: SimulatedRepository;
  let sessions: LocalSessions;
  let machine: GrowingSource;
  let nowMs: number;
  beforeEach(async () => {
    [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
    sessions = new LocalSessions([source, target]);
    machine = new GrowingSource(source, 'mail01', { blockCount: 4 });
    nowMs = Date.parse('2026-10-25T06:00:00Z');
    await backUp(FIRST_MS, 1);
  });

  async function backUp(atMs: number, day: number): Promise<void> {
    machine.work(day);
    await machine.backUp(atMs, 'full');
    source.settleAll();
  }

  async function session(restorePoints: 'all' | 'latest') {
    const { tasks } = await sessions.copy(testJob({ restorePoints }), (nowMs += 3_600_000));
    return tasks[0]!;
  }

  async function dates(): Promise<number[]> {
    const record = await readChainRecord(target, chainFolder('nightly', 'ovirt-mail01'));
    return record!.points.map(({ createdAt }) => Date.parse(createdAt));
  }

  it.each(['all', 'latest'] as const)(
    'are copied each when a session comes between them (%s)',
    async (scope) => {
      await session(scope);
      await backUp(BEFORE_MS, 2);
      await session(scope);
      await backUp(AFTER_MS, 3);
      await session(scope);
      expect((await dates()).sort()).toEqual([FIRST_MS, AFTER_MS, BEFORE_MS]);
      expect((await session(scope)).result).toBe('nothingToCopy');
    },
  );

  it('are copied both when one session finds them and is to copy all', async () => {
    await session('all');
    await backUp(BEFORE_MS, 2);
    await backUp(AFTER_MS, 3);
    await session('all');
    expect((await dates()).sort()).toEqual([FIRST_MS, AFTER_MS, BEFORE_MS]);
  });

  it('are copied or named when one session finds both and is to copy the latest', async () => {
    await session('latest');
    await backUp(BEFORE_MS, 2);
    await backUp(AFTER_MS, 3);
    const { notes } = await session('latest');
    const [, second, third] = machine.days;
    const copied = await dates();
    const missing = [second!, third!].filter(({ createdAtMs }) => !copied.includes(createdAtMs));
    expect(missing.length).toBeLessThan(2);
    for (const { id } of missing)
      expect(notes).toContainEqual(expect.stringContaining(`${id} was passed over`));
  });
});
