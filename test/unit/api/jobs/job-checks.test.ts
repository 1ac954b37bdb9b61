import { describe, expect, it } from 'vitest';
import { checkRules, type JobSurroundings } from '../../../../src/api/jobs/job-checks.js';
import { toProblem } from '../../../../src/api/problem.js';
import { resticLayout } from '../../../../src/layout/restic/restic.js';
import type { NamedLook } from '../../../../src/domain/sources/found-workload.js';
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

/** Where the last look has shown `seen`, and one for a name finds what `now` has of it. */
function surroundings(
  seen: readonly Partial<WorkloadFacts>[] | null,
  now: NamedLook['found'] | null = [],
): JobSurroundings {
  const found = (name: string) => now?.filter((each) => each.name === name) ?? [];
  return {
    repositories: [
      { id: 'primary', role: 'primary' },
      { id: 'offsite', role: 'target' },
    ] as unknown as JobSurroundings['repositories'],
    jobs: {} as JobSurroundings['jobs'],
    workloadTypes: [wholeLayout.type],
    seenWorkloads: () => seen as WorkloadFacts[],
    browser: {
      named: (_, name) =>
        Promise.resolve(now === null ? null : { found: found(name), isWhole: true }),
    },
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

  it.each([null, []])('refuses it, too, where the last look has shown %j', async (seen) => {
    const web01 = { id: 'restic-web01', name: 'web01', type: 'restic' };
    const known = { ...surroundings(seen, [web01]), workloadTypes: [resticLayout.type] };
    await expect(checkRules(DEFINITION, known)).rejects.toMatchObject({
      code: 'JOB_KIND_WRONG',
      details: { errors: [{ path: 'sources.include.0.workloads' }] },
    });
  });

  it('looks for no more than twenty of what a job names, and only for what nobody has seen', async () => {
    const looked: string[] = [];
    const names = Array.from({ length: 30 }, (_, index) => `vm${String(index)}`);
    const include = [{ repositoryId: 'primary', workloads: names }];
    const vm0 = { is: 'source' as const, id: 'x', name: 'vm0', type: 'olvm-rhv' };
    const named = (_: string, name: string) => {
      looked.push(name);
      return Promise.resolve(null);
    };
    const definition = { ...DEFINITION, sources: { include, exclude: [] } };
    await checkRules(definition, { ...surroundings([vm0]), browser: { named } });
    expect(looked).toEqual(names.slice(1, 21));
  });

  it('looks for nothing of a job that takes a repository whole, or by patterns', async () => {
    const named = () => Promise.reject(new Error('looked'));
    for (const entry of [{}, { patterns: ['web*'] }])
      await checkRules(
        {
          ...DEFINITION,
          sources: { include: [{ repositoryId: 'primary', ...entry }], exclude: [] },
        },
        { ...surroundings([]), browser: { named } },
      );
  });

  it('lets pass what nobody can see, and other types', async () => {
    await checkRules(DEFINITION, surroundings([]));
    await checkRules(DEFINITION, surroundings(null, null));
    const other = { is: 'source' as const, id: 'x', name: 'web01', type: 'olvm-rhv' };
    await checkRules(DEFINITION, surroundings([other]));
  });
});
