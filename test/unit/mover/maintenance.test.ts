import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { stagingFolder } from '../../../src/chain/chain-paths.js';
import { writeJobDefinition } from '../../../src/chain/sessions/session-record.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { putFile } from '../../support/repository/chain-record-file.js';
import { testJob } from '../../support/session/test-site.js';

const DAY_MS = 86_400_000;
const newest = (value: number): Partial<CopyJob> => ({
  retention: { type: 'restorePoints', value },
});

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

function request(copy: MachineCopy, changes: Partial<CopyJob>, immutableForDays = 0) {
  return { ...copy.input, job: testJob(changes), immutableForDays };
}

const due = (copy: MachineCopy, changes: Partial<CopyJob>, immutableForDays = 0) =>
  copy.mover.run('isMaintenanceDue', request(copy, changes, immutableForDays));
const plan = (copy: MachineCopy, changes: Partial<CopyJob>, immutableForDays = 0) =>
  copy.mover.run('planMaintenance', request(copy, changes, immutableForDays));

describe('the maintenance of a chain', () => {
  it('is due for what retention wants gone, and for nothing else', async () => {
    const copy = await machine.copy();
    expect(await due(copy, newest(4))).toBe(false);
    expect(await plan(copy, newest(4))).toMatchObject({
      ...{ actions: [], fulls: [], superseded: [], warnings: [], compactId: null },
      ...{ beforeFulls: [], wantedFulls: [], hasUnwanted: false },
    });
    expect(await due(copy, newest(3))).toBe(true);
    const { actions, wantedFulls } = await plan(copy, newest(3));
    // The full takes up the increment next to it, or a full of that is made where it cannot.
    const [fullId, incrementId] = [machine.idOf(0), machine.idOf(1)];
    expect(actions).toEqual([{ type: 'merge', fullId, incrementId }]);
    expect(wantedFulls).toEqual([incrementId]);
  });

  it('is due for what a session has left half done', async () => {
    const copy = await machine.copy();
    await putFile(copy.target, `${stagingFolder(machine.chain, 'gone')}/plan.json`, '{}');
    expect(await due(copy, newest(4))).toBe(true);
    const changing = await machine.copy();
    await writeChainRecord(changing.target, machine.chain, {
      ...machine.before,
      pending: {
        type: 'delete',
        ids: [machine.idOf(3)],
        revision: machine.before.revision,
      } as never,
    });
    expect(await due(changing, newest(4))).toBe(true);
    const { actions, wantedFulls } = await plan(changing, newest(3));
    expect([actions, wantedFulls]).toEqual([[], null]);
  });

  it('does nothing while a file of the chain is missing, and says which', async () => {
    const copy = await machine.copy();
    await copy.target.remove(copy.pathOf(2, 'image'));
    expect(await due(copy, newest(4))).toBe(true);
    const { actions, warnings, wantedFulls } = await plan(copy, newest(3));
    expect([actions, wantedFulls]).toEqual([[], null]);
    const path = machine.before.points[2]!.disks[0]!.path;
    expect(warnings.join()).toContain(`${path} is missing in the target repository`);
  });

  it('does nothing while a file of the chain has another length, unless its point is known to be corrupt', async () => {
    const copy = await machine.copy();
    const { path, sizeBytes } = machine.before.points[3]!.disks[0]!;
    await copy.target.remove(copy.pathOf(3, 'image'));
    await putFile(copy.target, copy.pathOf(3, 'image'), 'cut');
    const { actions, warnings, wantedFulls } = await plan(copy, newest(3));
    expect([actions, wantedFulls]).toEqual([[], null]);
    expect(warnings.join()).toContain(`${path} has 3 bytes instead of ${sizeBytes}`);
    const points = machine.before.points.map((point, index) =>
      index === 3 ? { ...point, health: 'corrupt' as const } : point,
    );
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    const judged = await plan(copy, newest(2));
    expect(judged.wantedFulls).not.toBeNull();
    expect(judged.warnings.join()).not.toContain('bytes instead of');
  });

  it('makes a full of the next point where the storage cannot write into one', async () => {
    const copy = await machine.copy();
    Object.assign(copy.target, { openUpdate: null });
    // Not before as many are to go as stay: each full is written whole.
    expect((await plan(copy, newest(3))).actions).toEqual([]);
    const { actions, wantedFulls } = await plan(copy, newest(1));
    expect(actions[0]).toEqual({ type: 'synthetic', restorePointId: machine.idOf(3) });
    expect(wantedFulls).toEqual([machine.idOf(3)]);
  });

  /** The third point was short of a disk and was copied again: nothing builds on it. */
  async function copiedAgain(...leases: Parameters<typeof machine.copy>): Promise<MachineCopy> {
    const copy = await machine.copy(...leases);
    const [full, first, short, whole] = machine.before.points;
    const judged = {
      verdict: 'grown',
      reason: 'a disk came later',
      fingerprint: null,
      epoch: 0,
    } as const;
    const points = [
      ...[full!, first!, { ...short!, source: { ...short!.source, judged } }],
      { ...whole!, parentId: first!.id, createdAt: short!.createdAt, source: short!.source },
    ];
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    return copy;
  }

  it('begins with what was copied again, and plans what follows once that is gone', async () => {
    const gone = { superseded: [machine.idOf(2)], actions: [], fulls: [] };
    expect(await plan(await copiedAgain(), newest(1))).toMatchObject(gone);
    expect(await due(await copiedAgain(), newest(9))).toBe(true);
    // It has to stay for now: the rest is not left undone for that.
    const read = await copiedAgain([2, 'restore']);
    expect(await plan(read, newest(9))).toMatchObject({ superseded: [], actions: [] });
    expect(await plan(await copiedAgain(), newest(9), 30)).toMatchObject({ superseded: [] });
  });

  it('leaves what is immutable, and what is read', async () => {
    const copy = await machine.copy();
    expect((await plan(copy, newest(3), 30)).actions).toEqual([]);
    const read = await machine.copy([0, 'restore']);
    expect((await plan(read, newest(3))).actions).toEqual([]);
  });
});

describe('a look that does not show the workload', () => {
  const note = (copy: MachineCopy, nowMs: number, immutableForDays = 0) =>
    copy.mover.run('noteAbsence', { ...copy.input, nowMs, afterDays: 5, immutableForDays });

  it('is entered into the record once a day, and says what becomes of the copies', async () => {
    const copy = await machine.copy();
    const first = await note(copy, NOW_MS);
    expect(first.pointIds).toEqual([3, 2, 1, 0].map((n) => machine.idOf(n)));
    expect(first.state).not.toBe('due');
    expect(first.text).toMatch(
      /missed on 1 day since 2026-11-07.*; all 4 restore points are to be deleted on/,
    );
    const { revision, presence } = await copy.record();
    expect(presence.absence).toMatchObject({ missedDays: 1 });
    await note(copy, NOW_MS + 60_000);
    expect((await copy.record()).revision).toBe(revision);

    for (let day = 1; day < 5; day++) await note(copy, NOW_MS + day * DAY_MS);
    const last = await note(copy, NOW_MS + 5 * DAY_MS);
    expect(last).toMatchObject({ state: 'due' });
    expect(last.text).toMatch(/missed on 6 days since 2026-11-07.*; all 4 restore points go$/);
    // Made on 5 November and copied an hour later.
    const immutable = await note(copy, NOW_MS + 5 * DAY_MS, 30);
    expect(immutable.state).toBe('announced');
    expect(immutable.text).toMatch(/as soon as \S+ is not immutable any more$/);
  });

  it('is entered by the owner of the chain alone', async () => {
    const copy = await machine.copy();
    const input = { ...copy.input, epoch: copy.input.epoch + 1, afterDays: 5, immutableForDays: 0 };
    await expect(copy.mover.run('noteAbsence', input)).rejects.toMatchObject({
      code: 'STALE_EPOCH',
    });
  });
});

describe('what of a one-time copy goes', () => {
  const LATER = new Date(NOW_MS + DAY_MS).toISOString();
  const EARLIER = new Date(NOW_MS - 1).toISOString();
  const dependentsFirst = () => [3, 2, 1, 0].map((place) => machine.idOf(place));

  /** @param expiresAt of the definition that lies beside the copies; absent: of a job that copies again and again */
  async function plan(
    copy: MachineCopy,
    expiresAt: string | null | undefined,
    rule: { isOrdered?: boolean; immutableForDays?: number; epoch?: number } = {},
  ) {
    const once = expiresAt === undefined ? {} : { once: { restorePointId: null, expiresAt } };
    await writeJobDefinition(copy.target, testJob({ ...once }));
    const { isOrdered = false, immutableForDays = 0, epoch = copy.input.epoch } = rule;
    const input = { ...copy.input, epoch, jobId: 'nightly', isOrdered, immutableForDays };
    return copy.mover.run('planExpiry', input);
  }

  it('is all of it after its date, and when an operator says so', async () => {
    const copy = await machine.copy();
    expect(await plan(copy, EARLIER)).toEqual({ ids: dependentsFirst(), heldBy: null });
    expect(await plan(copy, LATER, { isOrdered: true })).toMatchObject({ ids: dependentsFirst() });
    expect((await plan(copy, LATER)).ids).toEqual([]);
    expect((await plan(copy, null)).ids).toEqual([]);
    expect(await copy.record()).toEqual(machine.before);
  });

  it('is nothing while one of its points is immutable or read', async () => {
    const immutable = await plan(await machine.copy(), EARLIER, { immutableForDays: 30 });
    expect(immutable).toMatchObject({ ids: [], heldBy: expect.stringContaining('immutable') });
    const read = await plan(await machine.copy([3, 'restore']), EARLIER, { isOrdered: true });
    expect(read).toMatchObject({ ids: [], heldBy: expect.stringMatching(/ is in use$/) });
  });

  it('is nothing of any other copies, whatever is asked, and by their owner alone', async () => {
    const copy = await machine.copy();
    const wrong = { code: 'JOB_KIND_WRONG' };
    await expect(plan(copy, undefined, { isOrdered: true })).rejects.toMatchObject(wrong);
    const stale = { code: 'STALE_EPOCH' };
    const epoch = copy.input.epoch - 1;
    await expect(plan(copy, EARLIER, { epoch })).rejects.toMatchObject(stale);
    const unsaid = await machine.copy();
    const input = { ...unsaid.input, jobId: 'unknown', isOrdered: true, immutableForDays: 0 };
    await expect(unsaid.mover.run('planExpiry', input)).rejects.toMatchObject(wrong);
  });
});
