import { beforeAll, describe, expect, it } from 'vitest';
import { stagingFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import type { InspectChainInput } from '../../../src/mover/change/inspect-chain.js';
import { stagedPath, writeStagedJson } from '../../../src/mover/staging/copy-plan.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { putFile } from '../../support/repository/chain-record-file.js';

const OTHER = 'nightly/another';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
});

function take(copy: MachineCopy, changes: Partial<InspectChainInput> = {}) {
  const { chain, nowMs } = copy.input;
  return copy.mover.run('inspectTargetChain', {
    ...{ targetRepositoryId: 'offsite', chain, jobId: 'nightly', owner: 'session' },
    ...{ workload: machine.before.workload, nowMs, ...changes },
  });
}

/** The newest point is not listed: its folder is there. */
async function unlisted(): Promise<MachineCopy> {
  const copy = await machine.copy();
  const points = machine.before.points.slice(0, 3);
  await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
  return copy;
}

const stagingOf = (point: number) => stagingFolder(machine.chain, machine.idOf(point));
const namesIn = async ({ target }: MachineCopy, folder: string) =>
  (await target.list(`${machine.chain}/${folder}`)).map(({ name }) => name);

describe('taking a chain over', () => {
  it('begins one where there is none, unless it was there a moment ago', async () => {
    const copy = await machine.copy();
    const workload = { ...machine.before.workload, id: 'another' };
    const none = { chain: OTHER, workload };
    await expect(take(copy, { ...none, isKept: true })).rejects.toMatchObject({
      code: 'RESTORE_POINT_MISSING',
    });
    expect(await copy.target.stat(OTHER)).toBeNull();
    const { record, notes, stuck } = await take(copy, none);
    expect([record.points, record.pending, notes, stuck]).toEqual([[], null, [], null]);
    expect(await readChainRecord(copy.target, OTHER)).toEqual(record);
    const kept = await take(copy, { ...none, isKept: true });
    expect(kept.record).toMatchObject({ owner: 'session', workload });
  });

  it('is under a new epoch, and one and the same for one owner', async () => {
    const copy = await machine.copy();
    const { record } = await take(copy);
    expect(record.epoch).toBe(machine.before.epoch + 1);
    expect((await take(copy)).record.epoch).toBe(record.epoch);
    expect((await take(copy, { owner: 'next' })).record.epoch).toBe(record.epoch + 1);
    expect(record.points).toEqual(machine.before.points);
  });

  it('enters when a source showed the workload, where it did', async () => {
    const copy = await machine.copy();
    const { presence } = machine.before;
    expect((await take(copy)).record.presence).toEqual(presence);
    expect((await take(copy, { owner: 'next', isSeen: true })).record.presence).toEqual({
      lastSeenAt: new Date(NOW_MS).toISOString(),
      absence: null,
    });
  });

  it('changes nothing of a chain of which the record has lost a point', async () => {
    const copy = await unlisted();
    const before = await copy.record();
    await expect(take(copy)).rejects.toMatchObject({
      code: 'CHAIN_RECORD_LOST',
      message: expect.stringContaining(machine.idOf(3)) as unknown,
    });
    expect(await copy.record()).toEqual(before);
    expect(await copy.folders()).toEqual([0, 1, 2, 3]);
  });

  it('sets aside what a commit that was stopped has left, says so once, and deletes nothing', async () => {
    const copy = await unlisted();
    const images = await copy.read(copy.pathOf(3, 'image'));
    await putFile(copy.target, `${stagingOf(3)}/plan.json`, '{}');
    const { notes } = await take(copy);
    expect(notes).toEqual([expect.stringContaining(machine.idOf(3))]);
    expect(await copy.folders()).toEqual([0, 1, 2]);
    const [aside] = await namesIn(copy, '.quarantine');
    expect(aside).toContain(machine.idOf(3));
    const name = copy.pathOf(3, 'image').split('/').at(-1)!;
    expect(await copy.read(`${machine.chain}/.quarantine/${aside!}/${name}`)).toEqual(images);
    // The same owner is told again: its answer may have been lost.
    expect((await take(copy)).notes).toEqual(notes);
  });

  it('leaves what a commit was about to list', async () => {
    const copy = await unlisted();
    const composed = { token: 'a plan', disks: [], companions: [] };
    await copy.target.makePlace(stagingOf(3));
    await writeStagedJson(copy.target, stagedPath.composed(stagingOf(3)), composed);
    expect((await take(copy)).notes).toEqual([]);
    expect(await copy.folders()).toEqual([0, 1, 2, 3]);
    expect(await namesIn(copy, '.quarantine')).toEqual([]);
  });

  it('leaves what a waiting change still needs, and says what waits each time', async () => {
    const copy = await machine.copy([3, 'restore']);
    const points = machine.before.points.slice(0, 3);
    const pending = { type: 'delete', ids: [machine.idOf(3)] } as const;
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points, pending });
    for (const owner of ['session', 'session', 'next']) {
      const { record, notes, stuck } = await take(copy, { owner });
      expect([record.pending, stuck]).toEqual([pending, null]);
      expect(notes).toEqual([expect.stringMatching(/^a delete that was announced waits: /)]);
    }
    expect(await copy.folders()).toEqual([0, 1, 2, 3]);
  });

  it('removes leases that have ended, and no others', async () => {
    const copy = await machine.copy([0, 'restore', NOW_MS - 86_400_000], [1, 'restore']);
    await take(copy);
    expect(await namesIn(copy, '.leases')).toEqual(['lease-1.json']);
  });
});
