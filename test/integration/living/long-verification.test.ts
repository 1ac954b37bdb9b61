import { ApplicationFailure } from '@temporalio/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { ChainSteps } from '../../support/workflows/chain-steps.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const COPIED_AT_MS = FIRST_AT_MS + 9 * DAY_MS;
const CHECKED_AT_MS = FIRST_AT_MS + 10 * DAY_MS;
const CHECKED_AT = new Date(CHECKED_AT_MS).toISOString();
const MACHINES = ['db01', 'mail01', 'web01'];
const DAYS = 7;
const MAX_HISTORY_EVENTS = 60;
/** Behind the last look at the length of the history: collecting, repairing, another look. */
const EVENTS_BEHIND = 50;
/** As the test server counts them. */
const EVENTS_OF_AN_ACTIVATION = 6;
const SHORT_RUNS = { maxHistoryEvents: MAX_HISTORY_EVENTS, batchWindows: 1 };

/** Three machines with seven points each. */
describe('a health check with more points than one history may hold', () => {
  let source: SimulatedRepository;
  let target: SimulatedRepository;
  let sessions: LocalSessions;
  beforeEach(async () => {
    source = new SimulatedRepository('primary');
    target = new SimulatedRepository('offsite');
    for (const machine of MACHINES) {
      const growing = new GrowingSource(source, machine, { blockCount: 12 });
      for (let day = 0; day < DAYS; day++) {
        growing.work(day);
        await growing.backUp(FIRST_AT_MS + day * DAY_MS, day === 0 ? 'full' : 'incremental');
      }
    }
    const all = testJob({ retention: { type: 'restorePoints', value: 99 } });
    await new LocalSessions([source, target]).copy(all, COPIED_AT_MS);
    sessions = new LocalSessions([source, target], { settings: SHORT_RUNS });
  });

  async function points(machine: string) {
    return (await readChainRecord(target, chainFolder('nightly', `ovirt-${machine}`)))!.points;
  }

  /** Flips a bit in the first data block of a point's file. */
  async function damage(machine: string, index: number): Promise<void> {
    const point = (await points(machine))[index]!;
    const path = `${chainFolder('nightly', `ovirt-${machine}`)}/${point.disks[0]!.path}`;
    const file = await target.openWrite(path, 'existing');
    const byte = Buffer.alloc(1);
    await file.read(byte, 65_536);
    byte[0]! ^= 1;
    await file.write(byte, 65_536);
    await file.close();
  }

  async function remove(machine: string, id: string): Promise<void> {
    const workload = { id: `ovirt-${machine}`, name: machine, type: 'olvm-rhv' } as const;
    const steps = new ChainSteps(target, 'nightly', workload);
    const { epoch } = await steps.take('retention', CHECKED_AT_MS);
    await steps.delete(epoch, CHECKED_AT_MS, [id]);
  }

  async function sizeBytes(): Promise<number> {
    let units = 0;
    for (const machine of MACHINES)
      for (const { disks } of await points(machine))
        for (const disk of disks) units += Math.ceil(disk.sizeBytes / 65_536);
    return units * 65_536;
  }

  it('goes on in new runs, each short, with every point read and dated once', async () => {
    const status = await sessions.verify('offsite', CHECKED_AT_MS);

    const totalBytes = await sizeBytes();
    expect(status).toMatchObject({
      result: 'success',
      reason: `${MACHINES.length * DAYS} restore points are as they were written`,
      processedBytes: totalBytes,
      totalBytes,
      notes: [],
    });
    for (const machine of MACHINES)
      for (const { verifiedAt } of await points(machine))
        expect(verifiedAt! >= CHECKED_AT).toBe(true);
    const { runLengths } = sessions;
    expect(runLengths.length).toBeGreaterThan(5);
    expect(Math.max(...runLengths)).toBeLessThan(MAX_HISTORY_EVENTS + EVENTS_BEHIND);
  });

  it('tells each damage once, whichever run has found it', async () => {
    for (const machine of MACHINES) for (const index of [1, 5]) await damage(machine, index);

    const status = await sessions.verify('offsite', CHECKED_AT_MS);

    expect(status).toMatchObject({
      result: 'warning',
      reason: '6 damaged places were found and healed',
    });
    expect(status.notes).toHaveLength(6);
    expect(new Set(status.notes).size).toBe(6);
    expect(sessions.runLengths.length).toBeGreaterThan(5);
    expect(await sessions.verify('offsite', CHECKED_AT_MS + DAY_MS)).toMatchObject({
      result: 'success',
    });
  });

  it('waits for a session that holds a chain for days, in short runs', async () => {
    await damage('mail01', 0);
    const chain = { workflowId: 'chain/offsite/nightly/ovirt-mail01' };
    const untilMs = CHECKED_AT_MS + 2 * HOUR_MS;
    const status = await sessions.verify('offsite', CHECKED_AT_MS, { ...chain, untilMs });

    expect(status).toMatchObject({
      result: 'warning',
      reason: '1 damaged place was found and healed',
    });
    expect(Math.max(...sessions.runLengths)).toBeLessThan(MAX_HISTORY_EVENTS + EVENTS_BEHIND);
  });

  it('keeps no turn while it waits for the session that holds a chain, which may wait for one', async () => {
    await damage('mail01', 0);
    const held: number[] = [];
    const check: LocalSessions = new LocalSessions([source, target], {
      whileWaiting: async () => Promise.resolve(void held.push(check.turnsHeld)),
    });
    const chain = { workflowId: 'chain/offsite/nightly/ovirt-mail01' };
    await check.verify('offsite', CHECKED_AT_MS, { ...chain, untilMs: CHECKED_AT_MS + HOUR_MS });
    expect(held.length).toBeGreaterThan(10);
    expect(Math.max(...held)).toBe(0);
  });

  it('keeps no turn while a change that was left is finished under the lock of the chain', async () => {
    const held: number[] = [];
    let plans = 0;
    const check: LocalSessions = new LocalSessions([source, target], {
      beforeActivity: async (name) => {
        if (name === 'inspectTargetChain') held.push(check.turnsHeld);
        if (name === 'prepareVerification' && ++plans === 1)
          throw ApplicationFailure.nonRetryable('a change is under way', 'CHAIN_LOCKED');
        return Promise.resolve();
      },
    });
    expect(await check.verify('offsite', CHECKED_AT_MS)).toMatchObject({ result: 'success' });
    expect(held[0]).toBe(0);
  });

  it('takes no chain over while another check reads its points', async () => {
    let [plans, takenOver] = [0, 0];
    const check: LocalSessions = new LocalSessions([source, target], {
      beforeActivity: async (name) => {
        if (name === 'inspectTargetChain') takenOver++;
        if (name === 'prepareVerification' && ++plans <= 5)
          throw ApplicationFailure.nonRetryable('another one reads it', 'CHECK_UNDER_WAY');
        return Promise.resolve();
      },
    });
    expect(await check.verify('offsite', CHECKED_AT_MS)).toMatchObject({ result: 'success' });
    // To enter what was read, each chain once.
    expect([plans, takenOver]).toEqual([5 + MACHINES.length * DAYS, MACHINES.length]);
  });

  it('dates points of a chain that a session held when all else is verified', async () => {
    const chain = { workflowId: 'chain/offsite/nightly/ovirt-db01' };
    const untilMs = CHECKED_AT_MS + HOUR_MS;
    const status = await sessions.verify('offsite', CHECKED_AT_MS, { ...chain, untilMs });

    expect(status).toMatchObject({ result: 'success', notes: [] });
    for (const { verifiedAt } of await points('db01')) expect(verifiedAt! >= CHECKED_AT).toBe(true);
  });

  /** A health check to which something happens before an activity is done.
   *  @param name of the activity; null: any
   *  @param call which of them, the first is 1 */
  async function verifyUntil(
    name: string | null,
    call: number,
    happen: (check: LocalSessions) => void,
  ): Promise<OperationStatus> {
    let calls = 0;
    const check: LocalSessions = new LocalSessions([source, target], {
      settings: SHORT_RUNS,
      beforeActivity: async (activity) => {
        if ((name === null || activity === name) && ++calls === call) happen(check);
        return Promise.resolve();
      },
    });
    return check.verify('offsite', CHECKED_AT_MS);
  }

  function stop(check: LocalSessions): void {
    check.stop('verify');
  }

  it('stops also when it is asked to at the moment at which a new run is to go on', async () => {
    await sessions.verify('offsite', CHECKED_AT_MS);
    const lastOfFirstRun = sessions.runLengths[0]! / EVENTS_OF_AN_ACTIVATION - 1;

    const status = await verifyUntil(null, lastOfFirstRun, stop);
    expect(status).toMatchObject({ state: 'ended', result: 'stopped' });
  });

  describe('that has found damage', () => {
    let told: unknown;
    beforeEach(async () => {
      await damage('db01', 1);
      const { id, disks } = (await points('db01'))[1]!;
      told = `db01 ${id}: contents of one unit of disk ${disks[0]!.disk} are damaged; the check ended before their repair did`;
    });

    it('tells it when it is stopped before that is repaired', async () => {
      const status = await verifyUntil('prepareVerification', 3, stop);
      expect(status).toMatchObject({ state: 'ended', result: 'stopped', notes: [told] });
    });

    it('tells it when the repair fails, and why that failed', async () => {
      const code = 'REPOSITORY_READ_ONLY';
      const status = await verifyUntil('healDisk', 1, () => {
        throw ApplicationFailure.nonRetryable('offsite is mounted read-only', code);
      });
      const reason = 'offsite is mounted read-only';
      expect(status).toMatchObject({ result: 'failed', code, reason, notes: [told] });
    });
  });

  it('passes over a point that is deleted before it is read, and says so', async () => {
    const newest = (await points('web01')).at(-1)!.id;
    const beforeActivity = async (name: string) => {
      if (name === 'verifyBlocks' && (await points('web01')).length === DAYS)
        await remove('web01', newest);
    };
    const check = new LocalSessions([source, target], { beforeActivity });

    expect(await check.verify('offsite', CHECKED_AT_MS)).toMatchObject({
      result: 'success',
      reason: '20 restore points are as they were written',
      notes: [`web01 ${newest} was merged or deleted before it was read`],
    });
  });

  it('goes on when a damaged point is deleted before it is healed, and does not call it healed', async () => {
    await damage('mail01', DAYS - 1);
    await damage('web01', 2);
    const newest = (await points('mail01')).at(-1)!.id;
    const beforeActivity = async (name: string) => {
      if (name === 'listVerification' || (await points('mail01')).length < DAYS) return;
      if (name === 'inspectTargetChain' && (await points('db01'))[0]!.verifiedAt! >= CHECKED_AT)
        await remove('mail01', newest);
    };
    const check = new LocalSessions([source, target], { beforeActivity });

    const status = await check.verify('offsite', CHECKED_AT_MS);

    expect(status).toMatchObject({
      result: 'failed',
      reason: '1 of 2 damaged places could not be healed',
    });
    expect(status.notes).toHaveLength(2);
    expect(status.notes[0]).toMatch(
      new RegExp(
        `^mail01: ${newest}: contents of one unit of disk .* merged or deleted before it could be healed$`,
      ),
    );
  });
});

describe('a health check of a repository without restore points', () => {
  it('does not call nothing a success', async () => {
    const empty = new LocalSessions([new SimulatedRepository('offsite')]);
    expect(await empty.verify('offsite', CHECKED_AT_MS)).toMatchObject({
      result: 'warning',
      reason: 'nothing was verified: there is no restore point',
    });
  });
});
