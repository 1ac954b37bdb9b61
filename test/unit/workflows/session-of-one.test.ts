import { execFileSync } from 'node:child_process';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobPlan } from '../../../src/domain/sessions/operation.js';
import { BackupError } from '../../../src/domain/errors.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { composerOf } from '../../../src/image/formats.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { filesBelow } from '../../support/tree/tree-world.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.UTC(2026, 10, 27, 22);
const HOUR_MS = 3_600_000;
const JOB = testJob({ restorePoints: 'all' });

describe('sessions over one machine', () => {
  let source: SimulatedRepository;
  let target: SimulatedRepository;
  let sessions: LocalSessions;
  beforeEach(async () => {
    source = new SimulatedRepository('primary');
    target = new SimulatedRepository('offsite');
    await put('web01.img', Buffer.alloc(1_048_576, 7));
    sessions = new LocalSessions([source, target]);
  });

  async function put(path: string, bytes: Buffer): Promise<void> {
    const file = await source.openWrite(path, 'open-or-new');
    await file.write(bytes, 0);
    await file.close();
  }

  it('look in queues where nothing waits behind a batch', async () => {
    await sessions.copy(JOB, NOW_MS);
    await sessions.copy(JOB, NOW_MS + HOUR_MS);
    const looks = ['enumerateWorkloads', 'lookForWork'];
    for (const look of looks)
      expect([...sessions.ordered].filter((each) => each.startsWith(`${look} `))).toEqual([
        `${look} look/offsite`,
      ]);
  });

  it('name what they were started for and no source has, or the job leaves out', async () => {
    const [copied] = (await sessions.copy(JOB, NOW_MS)).tasks;
    const started = async (name: string, job = JOB) => {
      const overrides = { workloads: [name] };
      const { result, tasks } = await sessions.copy(job, NOW_MS + HOUR_MS, overrides);
      return [result, ...tasks.map(({ code, reason }) => `${code}: ${reason}`)];
    };
    const why = 'WORKLOAD_MISSING: the session was started for what';
    expect(await started('misspelt')).toEqual([
      'warning',
      `${why} no source of the job holds: misspelt`,
    ]);
    const name = copied!.workload;
    const without = { ...JOB, sources: { ...JOB.sources, exclude: [{ workload: name }] } };
    expect(await started(name, without)).toEqual([
      'warning',
      `${why} the job does not copy: ${name}`,
    ]);
  });

  it('name the links out of a source that shows nothing else', async () => {
    await source.remove('web01.img');
    const link = { name: 'web01', path: 'web01', type: 'other', leadsOut: true } as const;
    vi.spyOn(source, 'list').mockResolvedValue([
      { ...link, stamp: { sizeBytes: 0, modifiedAtNs: '0', changedAtNs: '0', inode: '1' } },
    ]);
    const { tasks } = await sessions.copy(JOB, NOW_MS);
    expect(tasks.map(({ code }) => code)).toEqual(['SOURCE_EMPTY']);
    expect(tasks[0]!.reason).toContain(
      'repository primary shows no backups at all; links that lead out of it are not followed: "web01". Check',
    );
  });

  it('and plans of them, name what the definition of the job excludes or limits and no source has', async () => {
    const rpo = { maxCopyAgeHours: 24, maxLagHours: null };
    const job = testJob({
      restorePoints: 'all',
      sources: {
        include: [{ repositoryId: 'primary' }],
        exclude: [{ workload: 'misspelt' }, { pattern: 'test-*' }, { pattern: 'absent*' }],
      },
      rpo: { ...rpo, workloads: [{ ...rpo, workload: 'web-1' }] },
    });
    await put('test-1.img', Buffer.alloc(1_048_576, 8));
    const said = [
      '`exclude` names what no source of the job holds: misspelt, absent*',
      '`rpo` names what the job does not copy, or no source of it holds: web-1',
    ];
    const { result, tasks } = await sessions.copy(job, NOW_MS);
    const copied = tasks.find(({ workloadId }) => workloadId !== null);
    const others = tasks.filter(({ workloadId }) => workloadId === null);
    expect(others.map((task) => [task.workload, task.result, task.reason])).toEqual(
      said.map((reason) => ['definition of the job', 'nothingToCopy', reason]),
    );
    expect(result).toBe('success');
    const include = [
      { repositoryId: 'primary', workloads: [copied!.workload, 'gone'], patterns: ['x*'] },
    ];
    const named = { ...job, sources: { ...job.sources, include } };
    const [{ workloads }] = (await sessions.plan(named, NOW_MS)) as [JobPlan];
    expect(workloads.flatMap(({ reasons }) => reasons).slice(0, 4)).toEqual([
      '`workloads` names what repository primary does not hold: gone',
      '`patterns` names what repository primary does not hold: x*',
      ...said,
    ]);
  });

  it('warn where nothing is left to copy, whatever else is told of the definition', async () => {
    const none = 'definition of the job: no workload matches the sources of the job';
    const include = [{ repositoryId: 'primary' }];
    const exclude = [{ pattern: '*' }, { workload: 'misspelt' }];
    const liked = [{ repositoryId: 'primary', patterns: ['x*', 'y*'] }];
    for (const sources of [
      { include, exclude },
      { include: liked, exclude: [] },
    ])
      expect(await sessions.copy({ ...JOB, sources }, NOW_MS)).toMatchObject({
        result: 'warning',
        reason: none,
      });
  });

  it('and plans, take a machine that is on for seen, and for no backup', async () => {
    await source.remove('web01.img');
    await source.makeFolder('vm');
    for (const name of ['db01.vmx', 'db01.vmdk', 'db01-1a2b3c4d.vswp'])
      await put(`vm/${name}`, Buffer.from('x'));
    const { result, tasks } = await sessions.copy(JOB, NOW_MS);
    expect([result, ...tasks.map(({ code }) => code)]).toEqual(['warning', 'SOURCE_EMPTY']);
    // Beside a backup a job that names it misses its backup.
    await put('web01.img', Buffer.alloc(1_048_576, 7));
    const include = [{ repositoryId: 'primary', workloads: ['db01', 'web01.img'] }];
    const named = { ...JOB, sources: { ...JOB.sources, include } };
    await expect(sessions.copy(named, NOW_MS + HOUR_MS)).rejects.toThrow(
      'db01: repository primary holds no workload db01',
    );
    const [{ workloads }] = (await sessions.plan(named, NOW_MS)) as [JobPlan];
    expect(workloads.flatMap(({ reasons }) => reasons)[0]).toBe(
      '`workloads` names what repository primary does not hold: db01',
    );
  });

  it('take an id that a workload had before for one of its names', async () => {
    await source.makeFolder('ahv');
    await put('ahv/db01-scsi.0.raw', Buffer.alloc(1_048_576, 9));
    const [former] = (await listSourceWorkloads(source)).flatMap(({ otherIds = [] }) => otherIds);
    const { tasks } = await sessions.copy(JOB, NOW_MS, { workloads: [former!] });
    expect(tasks).toMatchObject([{ workload: 'db01', result: 'success' }]);
  });

  it('and plans, say of an id that two workloads had before that it may be meant for either', async () => {
    const machine = new GrowingSource(source, 'pool', { blockCount: 2 });
    await machine.backUp(NOW_MS - HOUR_MS, 'full');
    const [first] = machine.days;
    const bytes = (await filesBelow(source, 'pool')).get(first!.fileName)!;
    const [time] = first!.fileName.split('.');
    // Another machine came into the folder, which was the id of the first one while that was alone.
    const [point, disk] = ['1', '2'].map((n) => `00000000-0000-4000-9000-00000000000${n}`);
    await source.put(`pool/${time}.${point}.${disk}.full.qcow2`, bytes);
    const rpo = { maxCopyAgeHours: 24, maxLagHours: null };
    const include = [{ repositoryId: 'primary', workloads: ['ovirt-pool', 'web01.img'] }];
    const limits = { ...rpo, workloads: [{ ...rpo, workload: 'ovirt-pool' }] };
    const job = { ...JOB, sources: { include, exclude: [] }, rpo: limits };
    const now = `ovirt-pool (now ovirt-pool:${disk}, ovirt-pool:3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11)`;
    const said = [
      `\`workloads\` names ids that several workloads had before, and all of them are copied: ${now}`,
      `\`rpo\` names ids that several workloads had before, and its limits hold for each of them: ${now}`,
    ];
    const [{ workloads }] = (await sessions.plan(job, NOW_MS)) as [JobPlan];
    expect(workloads.flatMap(({ reasons }) => reasons).slice(0, 2)).toEqual(said);

    const started = await sessions.copy(job, NOW_MS, { workloads: ['ovirt-pool', 'web01.img'] });
    expect(started).toMatchObject({
      result: 'warning',
      tasks: [
        {
          code: 'WORKLOAD_AMBIGUOUS',
          reason: expect.stringContaining(`and copied none of them for it: ${now}. Name those `),
        },
        { workload: 'web01.img', result: 'success' },
      ],
    });
    const all = await sessions.copy(job, NOW_MS + HOUR_MS);
    expect(all.tasks.filter(({ result }) => result === 'success')).toHaveLength(2);
    const warnings = all.tasks.filter(({ result }) => result === 'warning');
    expect(warnings.map(({ code, reason }) => [code, reason])).toEqual(
      said.map((text) => [
        'WORKLOAD_AMBIGUOUS',
        expect.stringContaining(`${text}. Name those`) as string,
      ]),
    );
  });

  it('that are started for a name of now are for nobody who had it as an id before', async () => {
    const time = NOW_MS - HOUR_MS;
    const machine = new GrowingSource(source, 'pool', { blockCount: 2 });
    await machine.backUp(time, 'full');
    const [first] = machine.days;
    const bytes = (await filesBelow(source, 'pool')).get(first!.fileName)!;
    const [at] = first!.fileName.split('.');
    const [point, disk] = ['1', '2'].map((n) => `00000000-0000-4000-9000-00000000000${n}`);
    await source.put(`pool/${at}.${point}.${disk}.full.qcow2`, bytes);
    // Its folder has the name that was the id of what lay in the other one.
    await new GrowingSource(source, 'ovirt-pool', { blockCount: 2 }).backUp(time, 'full');
    const started = await sessions.copy(JOB, NOW_MS, { workloads: ['ovirt-pool'] });
    expect(started.tasks.map(({ workloadId, result }) => [workloadId, result])).toEqual([
      ['ovirt-ovirt-pool', 'success'],
    ]);
  });

  it('plan anew after a file that its format could not hold', async () => {
    const refused = vi
      .spyOn(composerOf('raw'), 'compose')
      .mockRejectedValueOnce(new BackupError('IMAGE_LIMIT_EXCEEDED', 'too many pieces'));
    const failed = await sessions.tryToCopy(JOB, NOW_MS);
    refused.mockRestore();
    expect(failed.tasks).toMatchObject([{ result: 'failed', code: 'IMAGE_LIMIT_EXCEEDED' }]);
    const { tasks } = await sessions.copy(JOB, NOW_MS + HOUR_MS);
    expect(tasks).toMatchObject([{ result: 'success' }]);
    // Taken up, nothing would have been read again.
    expect(tasks[0]!.progress.readBytes).toBe(1_048_576);
  });

  it('say of a machine with a standing warning that its copy was found', async () => {
    const dump = 'dump/vzdump-lxc-101-2026_11_24-06_30_00';
    await source.makeFolder('dump');
    const tar = execFileSync('tar', ['-c', '-C', import.meta.dirname, 'source-away.test.ts']);
    await put(`${dump}.tar`, tar);
    const excluded =
      "INFO: excluding bind mount point mp0 ('/srv/data') from backup (not a volume)";
    await put(`${dump}.log`, Buffer.from(`2026-11-24 06:30:01 ${excluded}\n`));
    const ofContainer = async (nowMs: number) =>
      (await sessions.copy(JOB, nowMs)).tasks.find(({ workload }) => workload !== 'web01.img');
    expect(await ofContainer(NOW_MS)).toMatchObject({
      result: 'warning',
      committed: [expect.any(String)],
    });
    const again = await ofContainer(NOW_MS + HOUR_MS);
    expect(again).toMatchObject({ result: 'warning', committed: [], foundCopied: true });
    expect(again!.reason).toContain('mp0');
  });
});
