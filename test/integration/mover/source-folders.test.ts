import { cp, readdir, rename, utimes } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  findSourceWorkload,
  listSourceWorkloads,
} from '../../../src/mover/source/source-catalogue.js';
import {
  machineFolder,
  machineId,
  manyMachines,
  noteReads,
} from '../../support/layout/many-machines.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const MACHINES = 20;
const NOW_MS = Date.parse('2026-11-25T22:00:00Z');
const HOW = { digest: 'sha256', verifyAfterCopy: 'cached' } as const;
const LATEST = testJob({ restorePoints: 'latest' });

describe('a source with 20 machines', () => {
  let source: RepositoryCopy;
  let mover: InProcessMover;
  beforeEach(async () => {
    source = await manyMachines(MACHINES);
    mover = new InProcessMover(source.repository, new SimulatedRepository('offsite'));
  });

  it('is read only in the folder of the workload that is compared, selected and planned', async () => {
    const workloads = await listSourceWorkloads(source.repository);
    const { folders } = workloads.find(({ id }) => id === machineId(7))!;
    expect(folders).toEqual(['vm07']);
    const ids = {
      targetRepositoryId: 'offsite',
      sourceRepositoryId: 'primary',
      workloadId: machineId(7),
      sourceFolders: folders,
      chain: `nightly/${machineId(7)}`,
    };
    const { record } = await mover.run('inspectTargetChain', { ...ids, ...order(7), nowMs: 0 });
    const { epoch } = record;
    const { listed, opened } = noteReads(source.repository);

    const { selection } = await mover.run('selectWork', {
      ...ids,
      epoch,
      job: testJob(),
      scope: 'all',
      activeFull: false,
    });
    const { points } = selection;
    expect(points).toHaveLength(3);
    const plan = await mover.run('planCopy', { ...ids, epoch, ...points[0]!, ...HOW });
    expect(plan.state).toBe('ready');

    expect(listed).toEqual(['vm07', 'vm07']);
    expect(opened.filter((path) => !path.startsWith('vm07/'))).toEqual([]);
  });

  it('is not read again for a point that a look has selected, and a file that changed since is noticed', async () => {
    const ids = {
      targetRepositoryId: 'offsite',
      sourceRepositoryId: 'primary',
      workloadId: machineId(7),
      sourceFolders: ['vm07'],
      chain: `nightly/${machineId(7)}`,
    };
    const { record } = await mover.run('inspectTargetChain', { ...ids, ...order(7), nowMs: 0 });
    const owned = { ...ids, epoch: record.epoch };
    const work = { job: testJob(), scope: 'all', activeFull: false } as const;
    const { selection, lookId } = await mover.run('selectWork', { ...owned, ...work });
    const { listed } = noteReads(source.repository);
    const plan = { ...owned, ...selection.points[0]!, ...HOW, lookId: lookId! } as const;
    expect((await mover.run('planCopy', plan)).state).toBe('ready');
    expect(listed).toEqual([]);

    const now = new Date();
    for (const name of await readdir(source.at('vm07')))
      await utimes(source.at(`vm07/${name}`), now, now);
    const full = { ...plan, kind: 'full', changedBy: 'all' } as const;
    const other = { ...full, restorePointId: selection.points[1]!.restorePointId };
    await expect(mover.run('planCopy', other)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    // Nobody remembers another look: the source is read, and what lies there is planned.
    const anew = await mover.run('planCopy', { ...other, lookId: 'of another process' });
    expect(anew.state).toBe('ready');
    expect(listed).toEqual(['vm07']);
  });

  it('is walked once for the plan of a job, not once for each workload', async () => {
    const { listed } = noteReads(source.repository);
    const { workloads } = await mover.run('planJob', {
      job: testJob(),
      immutableForDays: 0,
      nowMs: NOW_MS,
      settleMs: {},
      after: null,
    });
    expect(workloads).toHaveLength(MACHINES);
    const perFolder = listed.filter((folder) => folder === machineFolder(13));
    // By the walk, by the look for chains, and for this one workload.
    expect(perFolder).toHaveLength(3);
  });

  it('is walked once for all damaged blocks of a disk that are healed from it', async () => {
    const target = new SimulatedRepository('offsite');
    mover = new InProcessMover(source.repository, target);
    await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS, {
      workloads: [machineId(7)],
    });
    const chain = `nightly/${machineId(7)}`;
    const place = { targetRepositoryId: 'offsite', chain };
    const take = { ...place, ...order(7), nowMs: 0 };
    const { record } = await mover.run('inspectTargetChain', take);
    const { id, disks } = record.points[0]!;
    const { disk, path } = disks[0]!;
    const units = [1, 2, 3];
    const file = await target.openWrite(`${chain}/${path}`, 'existing');
    for (const unit of units) await file.write(Buffer.from('damaged'), unit * 65_536);
    await file.close();

    const { listed } = noteReads(source.repository);
    const heal = { ...place, epoch: record.epoch, pointId: id, disk, units };
    const { notes, remaining } = await mover.run('healDisk', heal);
    expect(remaining).toEqual([]);
    expect(notes).toHaveLength(units.length);
    for (const note of notes) expect(note).toMatch(/healed from the source$/);
    // By the walk, and by the look for chains.
    expect(listed.filter((folder) => folder === machineFolder(13))).toHaveLength(2);
  });

  it('holds no workload any more whose folder is gone', async () => {
    await rename(source.at('vm07'), source.at('vm07-moved'));
    await expect(
      findSourceWorkload(source.repository, machineId(7), ['vm07']),
    ).rejects.toMatchObject({ code: 'WORKLOAD_MISSING' });
    const anywhere = await findSourceWorkload(source.repository, machineId(7));
    expect(anywhere.folders).toEqual(['vm07-moved']);
  });

  it('shows points of a folder that appeared meanwhile to the next look at everything', async () => {
    const { folders } = await findSourceWorkload(source.repository, machineId(7));
    await cp(source.at('vm07'), source.at('vm07-next'), { recursive: true });
    const now = await findSourceWorkload(source.repository, machineId(7), folders);
    expect(now.folders).toEqual(['vm07']);
    const next = await findSourceWorkload(source.repository, machineId(7));
    expect(next.folders).toEqual(['vm07', 'vm07-next']);
  });
});

describe('a source with one machine', () => {
  it('is found in the root', async () => {
    const { repository } = await copyToRepository('libvirt-push/web01');
    const [workload] = await listSourceWorkloads(repository);
    expect(workload?.folders).toEqual(['']);
    expect(await findSourceWorkload(repository, workload!.id, [''])).toEqual(workload);
  });
});

describe('a target with the chains of three machines, as a source', () => {
  let target: SimulatedRepository;
  const chain = `nightly/${machineId(2)}`;
  const id = `nightly:${machineId(2)}`;
  beforeEach(async () => {
    target = new SimulatedRepository('offsite');
    const source = await manyMachines(3);
    await new LocalSessions([source.repository, target]).copy(LATEST, NOW_MS);
  });

  it.each([
    ['with its folder known', [chain]],
    ['by its id alone', undefined],
  ])('is opened at the one chain that is looked for, %s', async (_, folders) => {
    const { listed, opened } = noteReads(target);
    const workload = await findSourceWorkload(target, id, folders);
    expect(workload.isCopiedChain).toBe(true);
    expect(workload.folders).toEqual([chain]);
    expect(workload.restorePoints).toHaveLength(1);
    expect(opened).toEqual([`${chain}/chain.json`, `${chain}/chain.json.copy`]);
    expect(listed).toEqual([]);
  });

  it('shows a chain in the folder that it was moved to', async () => {
    await target.rename(chain, 'nightly/elsewhere');
    const anywhere = await findSourceWorkload(target, id);
    expect(anywhere.folders).toEqual(['nightly/elsewhere']);
    expect(await findSourceWorkload(target, id, anywhere.folders)).toEqual(anywhere);
  });

  it('holds no workload with another id', async () => {
    for (const absent of ['nightly:absent', '..:nightly', 'nightly'])
      await expect(findSourceWorkload(target, absent)).rejects.toMatchObject({
        code: 'WORKLOAD_MISSING',
      });
  });
});

function order(n: number) {
  return {
    jobId: 'nightly',
    owner: 'session-1',
    workload: { id: machineId(n), name: 'files01', type: 'libvirt-kvm' as const },
    targetRepositoryId: 'offsite',
  };
}
