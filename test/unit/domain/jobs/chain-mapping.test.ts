import { describe, expect, it } from 'vitest';
import { mappingFault } from '../../../../src/domain/jobs/chain-mapping.js';
import { detachedJob, detachedWords } from '../../../../src/domain/jobs/detached-copy.js';
import { testJob } from '../../../support/session/test-site.js';

const MAIL = { id: 'ovirt-mail01', name: 'mail01', type: 'ovirt' };
const only = (workload: string) =>
  testJob({
    sources: { include: [{ repositoryId: 'primary', workloads: [workload] }], exclude: [] },
  });

describe('a job goes on with the copies of another one', () => {
  it.each([
    ['of a machine that its source shows', testJob(), [MAIL], null],
    ['as long as nobody has looked into its source', only('mail01'), null, null],
    ['not where its source was seen to hold nothing', testJob(), [], /no source/],
    ['not of one that it does not copy', only('web01'), [MAIL], /does not copy mail01/],
    ['not of one that no source shows', testJob(), [{ ...MAIL, id: 'x', name: 'x' }], /no source/],
    [
      'not of one that was set up anew under its name',
      testJob(),
      [{ ...MAIL, id: 'ovirt-mail02' }],
      /another mail01: ovirt-mail02/,
    ],
    [
      'not of backups of another type',
      testJob(),
      [{ ...MAIL, type: 'libvirt' }],
      /as libvirt, and the copies are of ovirt/,
    ],
  ])('%s', (_, job, shown, fault) => {
    const found = mappingFault(job, MAIL, shown ?? [], shown !== null);
    if (fault === null) expect(found).toBeNull();
    else expect(found).toMatch(fault);
  });
});

describe('the definition beside detached copies', () => {
  it('is of their workload alone, says where they come from, and wants nothing done', () => {
    const gfs = { weekly: { keep: 4, day: 'sunday' }, monthly: null, yearly: null } as const;
    const from = testJob({
      gfs: { ...gfs, fullMethod: 'synthetic' },
      removedWorkloadsAfterDays: 9,
    });
    const at = '2026-11-07T22:00:00.000Z';
    const job = detachedJob('detached-mail01-0123456789', MAIL, from, at);
    expect(job).toMatchObject({
      id: 'detached-mail01-0123456789',
      detached: { fromJobId: from.id, at },
      sources: { include: [{ repositoryId: 'primary', workloads: ['mail01'] }], exclude: [] },
      schedule: { type: 'manual' },
      ...{ gfs: null, rpo: null, healthCheck: null, removedWorkloadsAfterDays: null },
    });
    expect(detachedWords(job.detached!)).toBe(
      'detached from job nightly on 2026-11-07 22:00 UTC; it stays until somebody removes it',
    );
  });
});
