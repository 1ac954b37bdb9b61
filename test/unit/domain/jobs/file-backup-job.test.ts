import { describe, expect, it } from 'vitest';
import {
  copyJobsOf,
  fileBackupFaults,
  missingCopies,
  type FileBackupJob,
} from '../../../../src/domain/jobs/file-backup-job.js';

const NIGHTS = {
  timeZone: 'UTC',
  spans: [{ days: ['monday' as const], from: '22:00', to: '06:00' }],
};
const DAILY = { type: 'daily' as const, time: '22:00', timeZone: 'UTC' };

const JOB: FileBackupJob = {
  id: 'projects',
  name: 'Projects',
  description: '',
  revision: 3,
  source: { repositoryId: 'nas', workload: 'restic-projects' },
  primaryBackup: null,
  schedule: { type: 'manual' },
  timeZone: 'UTC',
  missedStarts: 'run',
  keepRemovedForDays: 14,
  rpo: null,
  healthCheck: null,
  secondaryTargets: [
    { repositoryId: 'offsite', keepRemovedForDays: null, schedule: null, allowedHours: null },
    { repositoryId: 'vault', keepRemovedForDays: 90, schedule: DAILY, allowedHours: NIGHTS },
  ],
};

const REPOSITORIES = [
  { id: 'nas', role: 'primary' as const },
  { id: 'offsite', role: 'target' as const },
  { id: 'vault', role: 'target' as const },
];
const PROGRAMS = [
  { id: 'nightly', repositoryId: 'nas' },
  { id: 'other', repositoryId: 'elsewhere' },
];

describe('a file-backup job', () => {
  it('makes a copy job for each secondary target, with what is inherited and what is its own', () => {
    expect(copyJobsOf(JOB)).toMatchObject([
      {
        ...{ id: 'projects-offsite', kind: 'fileBackup', fileBackupJobId: 'projects' },
        // Something else makes the backups: it is watched.
        ...{ mode: 'immediate', schedule: { type: 'manual' }, allowedHours: null },
        sources: { include: [{ repositoryId: 'nas', workloads: ['restic-projects'] }] },
        target: { repositoryId: 'offsite' },
        retention: { type: 'days', value: 14 },
      },
      {
        ...{ id: 'projects-vault', mode: 'periodic', schedule: DAILY, allowedHours: NIGHTS },
        ...{ target: { repositoryId: 'vault' }, retention: { type: 'days', value: 90 } },
      },
    ]);
  });

  it('gives each of them its limits and its health check', () => {
    const rpo = { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] };
    const healthCheck = { every: 'week', day: 'sunday', time: '05:00', timeZone: 'UTC' } as const;
    const wanted = { rpo, healthCheck };
    expect(copyJobsOf({ ...JOB, ...wanted })).toMatchObject([wanted, wanted]);
  });

  it('starts the copies itself when it makes the backups', () => {
    expect(copyJobsOf({ ...JOB, primaryBackup: 'nightly' })).toMatchObject([
      { mode: 'periodic', schedule: { type: 'manual' } },
      { mode: 'periodic', schedule: DAILY },
    ]);
  });

  it('tells of each target that should have followed its run and could not', () => {
    const run = { ...JOB, primaryBackup: 'nightly' };
    // The other target has a schedule of its own.
    expect(missingCopies(run, [])).toEqual([
      'nothing was copied to offsite: its job projects-offsite is disabled or gone',
    ]);
    expect(missingCopies(run, [{ id: 'projects-offsite' }])).toEqual([]);
  });

  it('may be stored when nothing is wrong', () => {
    expect(fileBackupFaults(JOB, REPOSITORIES, PROGRAMS)).toEqual([]);
    const run = { ...JOB, primaryBackup: 'nightly', schedule: DAILY };
    expect(fileBackupFaults(run, REPOSITORIES, PROGRAMS)).toEqual([]);
  });

  const [OFFSITE, VAULT] = JOB.secondaryTargets;
  it.each<[string, Partial<FileBackupJob>, string]>([
    ['an unknown source', { source: { repositoryId: 'x', workload: 'w' } }, 'source.repositoryId'],
    ['an unknown program', { primaryBackup: 'none' }, 'primaryBackup'],
    ['a program for another repository', { primaryBackup: 'other' }, 'primaryBackup'],
    ['a schedule of nothing', { schedule: DAILY }, 'schedule.type'],
    [
      'a run that follows a copy job',
      { primaryBackup: 'nightly', schedule: { type: 'afterJob', jobId: 'x' } },
      'schedule.type',
    ],
    [
      'a target that is no target',
      { secondaryTargets: [{ ...OFFSITE!, repositoryId: 'nas' }] },
      'secondaryTargets.0.repositoryId',
    ],
    [
      'a target twice',
      { secondaryTargets: [OFFSITE!, { ...VAULT!, repositoryId: 'offsite' }] },
      'secondaryTargets.1.repositoryId',
    ],
    [
      'a zone that is none',
      {
        secondaryTargets: [OFFSITE!, { ...VAULT!, schedule: { ...DAILY, timeZone: 'Mars/Base' } }],
      },
      'secondaryTargets.1.schedule.timeZone',
    ],
    [
      'hours without days',
      {
        secondaryTargets: [
          {
            ...OFFSITE!,
            allowedHours: { ...NIGHTS, spans: [{ ...NIGHTS.spans[0]!, days: [] }] },
          },
        ],
      },
      'secondaryTargets.0.allowedHours.spans.0.days',
    ],
    [
      'limits that limit nothing',
      { rpo: { maxCopyAgeHours: null, maxLagHours: null, workloads: [] } },
      'rpo',
    ],
    [
      'a health check in a zone that is none',
      { healthCheck: { every: 'week', day: 'sunday', time: '05:00', timeZone: 'Mars/Base' } },
      'healthCheck.timeZone',
    ],
    ['an id too long for its copies', { id: 'p'.repeat(60) }, 'secondaryTargets.0.repositoryId'],
  ])('is refused with %s', (_, change, path) => {
    const faults = fileBackupFaults({ ...JOB, ...change }, REPOSITORIES, PROGRAMS);
    expect(faults.map((fault) => fault.path)).toContain(path);
  });
});
