import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import {
  copyJobOfMirror,
  mirrorFaults,
  mirrorOf,
  type MirrorJob,
} from '../../../../src/domain/jobs/mirror-job.js';

const JOB: MirrorJob = {
  ...{ id: 'a-to-b', name: 'A to B', description: '', revision: 1, timeZone: 'UTC' },
  source: { repositoryId: 'a' },
  target: { repositoryId: 'b' },
  ...{ schedule: null, missedStarts: 'run', allowedHours: null, rpo: null },
  healthCheck: { every: 'month', day: 'sunday', time: '05:00', timeZone: 'UTC' },
  keepRemovedForDays: 21,
};

const APPLIANCES = ['a', 'b', 'c'].map(
  (id) => ({ id, role: 'target', contents: 'storeonce' }) as const,
);
const REPOSITORIES = [
  ...APPLIANCES,
  { id: 'nas', role: 'primary', contents: 'backups' } as const,
  { id: 'shelf', role: 'target', contents: 'backups' } as const,
];

function mirror(source: string, target: string): MirrorJob {
  const pair = { source: { repositoryId: source }, target: { repositoryId: target } };
  return { ...JOB, ...pair, id: `${source}-to-${target}` };
}

function stored(job: MirrorJob): CopyJob {
  return { ...copyJobOfMirror(job), revision: job.revision, replaces: null };
}

function faultsOf(job: MirrorJob, ...others: MirrorJob[]): string[] {
  return mirrorFaults(job, REPOSITORIES, others.map(stored)).map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

describe('a mirror job', () => {
  it.each([
    ['copies each file when it is closed', null, 'immediate'],
    ['copies by its schedule', { type: 'interval', everyMinutes: 60 }, 'periodic'],
  ] as const)('%s', (_, schedule, mode) => {
    const job = { ...JOB, schedule };
    expect(stored(job)).toMatchObject({
      ...{ kind: 'mirror', mode, retention: { type: 'days', value: 21 }, gfs: null },
      sources: { include: [{ repositoryId: 'a' }], exclude: [] },
    });
    expect(mirrorOf(stored(job))).toEqual(job);
  });

  it('has a pair that no other mirror has, which makes no loop', () => {
    expect(faultsOf(mirror('a', 'b'), mirror('b', 'c'), mirror('a', 'c'))).toEqual([]);
    expect(faultsOf(mirror('a', 'b'), { ...mirror('a', 'b'), id: 'other' })).toEqual([
      'target.repositoryId: a is mirrored to b by job other already',
    ]);
    expect(faultsOf(mirror('b', 'a'), mirror('a', 'b'))).toEqual([
      'target.repositoryId: files would go round in a loop: a is mirrored to b already (job a-to-b)',
    ]);
    expect(faultsOf(mirror('c', 'a'), mirror('a', 'b'), mirror('b', 'c'))).toEqual([
      'target.repositoryId: files would go round in a loop: a is mirrored to c already (job a-to-b, then job b-to-c)',
    ]);
    expect(faultsOf(mirror('a', 'a'))).toEqual([
      'source.repositoryId: a is the target; a job cannot copy a repository to itself',
    ]);
  });

  it('copies an appliance, to a target', () => {
    expect(faultsOf(mirror('a', 'shelf'))).toEqual([]);
    expect(faultsOf(mirror('nas', 'b'))).toEqual([
      'source.repositoryId: nas is no appliance: its configuration has no contents: storeonce',
    ]);
    expect(faultsOf(mirror('a', 'nas'))).toEqual([
      'target.repositoryId: nas has role primary; a target must have role target',
    ]);
    expect(faultsOf(mirror('nobody', 'b'))).toEqual([
      'source.repositoryId: no repository nobody is configured',
    ]);
  });
});
