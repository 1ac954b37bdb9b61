import { describe, expect, it } from 'vitest';
import { jobFaults } from '../../../../src/domain/jobs/job-rules.js';
import { oneTimeId, oneTimeJob } from '../../../../src/domain/jobs/one-time-copy.js';

const ORDER = {
  source: { repositoryId: 'primary', workload: 'Büro 1', restorePointId: null },
  target: { repositoryId: 'offsite' },
  expiresAt: '2026-12-01T00:00:00.000Z',
};

describe('the job of a one-time copy', () => {
  it('keeps every rule of a job, takes one workload, and lets nothing go by itself', () => {
    const job = oneTimeJob('once-buero', ORDER, 'UTC');
    const repositories = [
      { id: 'primary', role: 'primary' },
      { id: 'offsite', role: 'target' },
    ] as const;
    expect(jobFaults(job, repositories)).toEqual([]);
    expect(job).toMatchObject({
      sources: { include: [{ repositoryId: 'primary', workloads: ['Büro 1'] }], exclude: [] },
      restorePoints: 'latest',
      schedule: { type: 'manual' },
      retry: { attempts: 0 },
      removedWorkloadsAfterDays: null,
      description:
        'one-time copy of the newest restore point; it is removed after 2026-12-01 00:00 UTC',
    });
  });

  it('has an id that is a slug, whatever its workload is called', () => {
    expect(oneTimeId('Büro 1', '0123456789abcdef')).toBe('once-b-ro-1-0123456789');
    expect(oneTimeId('数据库', '0123456789abcdef')).toBe('once-0123456789');
    expect(oneTimeId('x'.repeat(255), '0123456789abcdef')).toHaveLength(56);
  });
});
