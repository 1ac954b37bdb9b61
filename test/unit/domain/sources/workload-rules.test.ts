import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import {
  ALL_ALLOWED,
  passedOverText,
  workloadRuleFaults,
  type WorkloadRules,
} from '../../../../src/domain/sources/workload-rules.js';

type Job = Parameters<typeof workloadRuleFaults>[0];

const JOB: Job = {
  mode: 'periodic',
  transactionLogs: false,
  gfs: null,
  retention: { type: 'restorePoints', value: 7 },
  sources: { include: [{ repositoryId: 'ahv' }, { repositoryId: 'kvm' }], exclude: [] },
};
const GFS: CopyJob['gfs'] = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: null,
  yearly: null,
  fullMethod: 'synthetic',
};
const MACHINE = { id: 'ahv-1', name: 'web01' };

function faults(job: Partial<Job>, rules: Partial<WorkloadRules>, repositoryId = 'ahv') {
  const type = { title: 'Nutanix AHV', rules: { ...ALL_ALLOWED, ...rules } };
  return workloadRuleFaults({ ...JOB, ...job })(repositoryId, MACHINE, type);
}

describe('workloadRuleFaults', () => {
  it('finds nothing where everything is allowed', () => {
    const sources = {
      include: [{ repositoryId: 'ahv', workloads: ['web01'] }],
      exclude: [{ workload: 'db01' }],
    };
    expect(faults({ mode: 'immediate', gfs: GFS, sources }, {})).toEqual([]);
  });

  it('reads what the job names once, and not for each workload', () => {
    let read = 0;
    const exclude = Array.from({ length: 1_000 }, () => ({
      get workload() {
        read++;
        return 'gone';
      },
    }));
    const faultsOf = workloadRuleFaults({ ...JOB, sources: { ...JOB.sources, exclude } });
    const type = { title: 'Nutanix AHV', rules: { ...ALL_ALLOWED, wholeSourceOnly: true } };
    for (let index = 0; index < 100; index++)
      expect(faultsOf('ahv', { id: `ahv-${index}`, name: `vm${index}` }, type)).toEqual([]);
    expect(read).toBeLessThan(10_000);
  });

  it.each([['ahv-1'], ['web01']])('refuses to include %s by name from a whole source', (name) => {
    const include = [{ repositoryId: 'kvm' }, { repositoryId: 'ahv', workloads: ['db01', name] }];
    expect(faults({ sources: { include, exclude: [] } }, { wholeSourceOnly: true })).toEqual([
      {
        path: 'sources.include.1.workloads',
        message:
          'backups of Nutanix AHV are copied with their whole repository: include ahv without naming workloads',
      },
    ]);
  });

  it('refuses backups that another kind of job copies where it names them, and says which', () => {
    const named = { include: [{ repositoryId: 'ahv', workloads: ['web01'] }], exclude: [] };
    const rules = { job: 'fileBackup' as const, modes: ['immediate'] as const };
    expect(faults({ sources: named }, rules)).toEqual([
      {
        path: 'sources.include.0.workloads',
        message:
          'backups of Nutanix AHV are copied by a file-backup job (POST /file-backup-jobs, or `longhaul file-backup-job create`) only',
        isOfOtherKind: true,
      },
    ]);
    expect(faults({}, rules)).toEqual([]);
    expect(faults({ sources: named, kind: 'fileBackup' }, { job: 'fileBackup' })).toEqual([]);
    expect(faults({ sources: named, kind: 'fileBackup' }, {})).toMatchObject([
      { message: expect.stringContaining('a copy job (POST /jobs') as string },
    ]);
  });

  it('refuses to exclude one of a whole source, and to exclude it from a source that the job names', () => {
    const exclude = [{ workload: 'other' }, { workload: 'web01' }];
    const sources = { include: JOB.sources.include, exclude };
    expect(faults({ sources }, { wholeSourceOnly: true })).toEqual([
      {
        path: 'sources.exclude.1.workload',
        message:
          'backups of Nutanix AHV are copied with their whole repository: web01 cannot be excluded',
      },
    ]);
    expect(faults({ sources }, { wholeSourceOnly: true }, 'elsewhere')).toEqual([]);
  });

  it('refuses patterns that take or leave out a part of a whole source', () => {
    const sources = {
      include: [{ repositoryId: 'ahv', patterns: ['web*'] }],
      exclude: [{ pattern: '*01' }, { pattern: 'db*' }],
    };
    const paths = faults({ sources }, { wholeSourceOnly: true }).map(({ path }) => path);
    expect(paths).toEqual(['sources.include.0.patterns', 'sources.exclude.0.pattern']);
  });

  it('lets a job name other workloads of the same repository', () => {
    const include = [{ repositoryId: 'ahv', workloads: ['esx01'] }];
    const rules = { wholeSourceOnly: true, allowsGfs: false, modes: ['immediate'] as const };
    expect(faults({ gfs: GFS, sources: { include, exclude: [] } }, rules)).toEqual([]);
  });

  it('passes over what is transaction logs alone unless the job copies them, and refuses to name it', () => {
    const named = { include: [{ repositoryId: 'ahv', workloads: ['web01'] }], exclude: [] };
    const rules = { logsOnly: true };
    const message =
      'backups of Nutanix AHV are transaction logs and nothing else: a job copies them with transactionLogs, in mode immediate';
    expect(faults({}, rules)).toEqual([]);
    expect(faults({ sources: named }, rules)).toEqual([
      { path: 'sources.include.0.workloads', message },
    ]);
    expect(faults({ sources: named, transactionLogs: true }, rules)).toEqual([]);
    const type = { title: 'Nutanix AHV', rules: { ...ALL_ALLOWED, ...rules } };
    expect(passedOverText({ transactionLogs: false }, type)).toBe(message);
    expect(passedOverText({ transactionLogs: true }, type)).toBeNull();
  });

  it('names mode, gfs and retention where a type does not allow them', () => {
    const rules = { modes: ['immediate'] as const, allowsGfs: false, retentionByDaysOnly: true };
    expect(faults({ gfs: GFS }, rules)).toEqual([
      { path: 'mode', message: 'backups of Nutanix AHV are copied in mode immediate only' },
      { path: 'gfs', message: 'backups of Nutanix AHV are kept without gfs only' },
      {
        path: 'retention.type',
        message: 'backups of Nutanix AHV are kept by days only, not by a number of restore points',
      },
    ]);
    const fitting: Partial<Job> = { mode: 'immediate', retention: { type: 'days', value: 30 } };
    expect(faults(fitting, rules)).toEqual([]);
  });
});
