import { describe, expect, it } from 'vitest';
import { checkRules, type JobSurroundings } from '../../../../src/api/jobs/job-checks.js';
import { toProblem } from '../../../../src/api/problem.js';
import { resticLayout } from '../../../../src/layout/restic/restic.js';
import type { WorkloadFacts } from '../../../../src/domain/safety/workload-facts.js';
import { testJob } from '../../../support/session/test-site.js';
import { wholeLayout } from '../../../support/layout/whole-layout.js';

const {
  revision: _revision,
  replaces: _replaces,
  ...DEFINITION
} = testJob({
  sources: { include: [{ repositoryId: 'primary', workloads: ['web01', 'db01'] }], exclude: [] },
});

function surroundings(seen: readonly Partial<WorkloadFacts>[]): JobSurroundings {
  return {
    repositories: [
      { id: 'primary', role: 'primary' },
      { id: 'offsite', role: 'target' },
    ] as unknown as JobSurroundings['repositories'],
    jobs: {} as JobSurroundings['jobs'],
    workloadTypes: [wholeLayout.type],
    seenWorkloads: () => seen as WorkloadFacts[],
  };
}

describe('checkRules', () => {
  it('refuses to pick workloads of a type that was seen to be copied whole', async () => {
    const seen = ['web01', 'db01', 'other'].map((name) => ({
      ...{ is: 'source' as const, id: `whole-${name}`, name, type: 'whole-machine' },
    }));
    await expect(checkRules(DEFINITION, surroundings(seen))).rejects.toMatchObject({
      code: 'JOB_RULE_BROKEN',
      details: {
        errors: [
          {
            path: 'sources.include.0.workloads',
            message:
              'backups of Whole machines are copied with their whole repository: include primary without naming workloads',
          },
        ],
      },
    });
  });

  it('refuses to copy the backup of a file share, and tells which call does', async () => {
    const web01 = { is: 'source' as const, id: 'restic-web01', name: 'web01', type: 'restic' };
    const known = { ...surroundings([web01]), workloadTypes: [resticLayout.type] };
    const refusal: unknown = await checkRules(DEFINITION, known).catch((error: unknown) => error);
    expect(toProblem(refusal)).toMatchObject({
      ...{ status: 422, code: 'JOB_KIND_WRONG' },
      hint: expect.stringContaining('`POST /file-backup-jobs`') as string,
      errors: [
        {
          path: 'sources.include.0.workloads',
          message:
            'backups of File shares (restic) are copied by a file-backup job (POST /file-backup-jobs, or `longhaul file-backup-job create`) only',
        },
      ],
    });
  });

  it('lets pass what nobody has seen yet, and other types', async () => {
    await checkRules(DEFINITION, surroundings([]));
    const other = { is: 'source' as const, id: 'x', name: 'web01', type: 'olvm-rhv' };
    await checkRules(DEFINITION, surroundings([other]));
  });
});
