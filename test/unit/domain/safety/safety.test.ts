import { describe, expect, it } from 'vitest';
import type { RepositoryFacts } from '../../../../src/domain/safety/protection.js';
import { uncopiedPlaces } from '../../../../src/domain/safety/uncopied-places.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import {
  ago,
  chain,
  facts,
  instant,
  nightly,
  NOW_MS,
  repository,
  RPO,
  source,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

describe('the verdict', () => {
  it('is the sentence of the issue', () => {
    const names = Array.from({ length: 41 }, (_, index) => `web${index + 10}`);
    const { verdict, problems } = safetyOf(
      facts(
        [...names.map((name) => source(name, 12)), source('db07', 12), source('test3', 30)],
        [...names.map((name) => chain(name, 12)), chain('db07', 35)],
      ),
      NOW_MS,
    );
    expect(verdict.sentence).toBe(
      '41 of 43 workloads have a copy younger than 26 h; db07 and test3 are late, by up to 9 h; nothing is damaged; oldest check 6 days',
    );
    expect(verdict.state).toBe('unsafe');
    expect(verdict.sinceMs).toBe(ago(9));
    expect(problems.map(({ code, text }) => [code, text])).toEqual([
      ['COPY_LATE', 'db07 and test3 of job Nightly off-site are late, by up to 9 h'],
    ]);
  });

  describe('on places of a source of which nothing is copied', () => {
    const unreadable = { path: String.raw`caf\xe9`, code: 'NAME_UNSUPPORTED' } as const;
    const barman = { folder: 'pg/main/base', fileCount: 12, examples: ['a'], tool: 'Barman' };
    const notes = { folder: '.', fileCount: 1, examples: ['README'] };
    const beside = (changes: Partial<RepositoryFacts>, exclude: { workload: string }[] = []) => {
      const names = Array.from({ length: 20 }, (_, index) => `web${index + 10}`);
      const known = facts([], []);
      const primary = repository(
        'primary',
        names.map((name) => source(name, 12)),
        changes,
      );
      const offsite = repository(
        'offsite',
        names.map((name) => chain(name, 12)),
      );
      const sources = { include: [{ repositoryId: 'primary' }], exclude };
      const job = testJob({ rpo: RPO, sources });
      return safetyOf(
        { ...known, repositories: [primary, offsite], jobs: [nightly({ job })] },
        NOW_MS,
      );
    };

    it('has them beside the count of the workloads, and is not safe over what looks like backups', () => {
      const uncopied = uncopiedPlaces([unreadable], [notes, barman]);
      const { verdict, problems } = beside({ uncopied });
      expect(verdict.sentence).toBe(
        String.raw`20 of 20 workloads have a copy younger than 26 h; not copied: primary/caf\xe9, 12 files in primary/pg/main/base and 1 file in primary; nothing is damaged; oldest check 6 days`,
      );
      expect(verdict.state).toBe('unsafe');
      expect(problems.map(({ code, severity, text }) => [code, severity, text])).toEqual([
        [
          'PLACE_NOT_COPIED',
          'error',
          String.raw`not copied: primary/caf\xe9 and 12 files in primary/pg/main/base; of the first, the name caf\xe9 cannot be part of a path (it is not UTF-8, or holds a backslash), so nothing that lies there is copied`,
        ],
        [
          'FILES_NOT_COPIED',
          'warning',
          'not copied: 1 file in primary: "README" is of no backup layout that this release knows, so it is not copied',
        ],
      ]);
    });

    it('is safe beside other files of no layout, and says that they are not copied', () => {
      const { verdict } = beside({ uncopied: uncopiedPlaces([], [notes]) });
      expect(verdict.state).toBe('safe');
      expect(verdict.sentence).toMatch(
        /^20 of 20 workloads have a copy younger than 26 h; not copied: 1 file in primary; /,
      );
    });

    it('leaves out what a job of the repository excludes, and a target inside of the source', () => {
      const inside = { path: 'copies', code: 'SOURCE_HOLDS_TARGET' } as const;
      const uncopied = uncopiedPlaces([unreadable, inside], [notes]);
      const { verdict, problems } = beside({ uncopied }, [
        { workload: unreadable.path },
        { workload: 'unrecognised:.' },
      ]);
      expect(verdict.sentence).not.toContain('not copied');
      expect(problems).toEqual([]);
    });

    it('names the graver ones first, and counts those that one answer does not hold', () => {
      const many = Array.from({ length: 2_000 }, (_, index) => ({
        ...{ folder: `${'deep/'.repeat(20)}${index}`, fileCount: 1, examples: ['x'] },
        ...(index === 1_999 ? { tool: 'Barman' } : {}),
      }));
      const uncopied = uncopiedPlaces([], many);
      expect(JSON.stringify(uncopied).length).toBeLessThan(310_000);
      const { verdict } = beside({ uncopied });
      expect(verdict.sentence).toContain(
        `not copied: 1 file in primary/${'deep/'.repeat(20)}1999, 1 file in primary/${'deep/'.repeat(20)}0 and 1998 more;`,
      );
    });
  });

  it('names one that is late alone, and the limit only when all have the same', () => {
    const own = { workload: 'web10', maxCopyAgeHours: 8, maxLagHours: null };
    const job = testJob({ rpo: { ...RPO, workloads: [own] } });
    const known = facts(
      [source('web10', 12), source('db07', 12)],
      [chain('web10', 12), chain('db07', 12)],
    );
    const { verdict } = safetyOf({ ...known, jobs: [nightly({ job })] }, NOW_MS);
    expect(verdict.sentence).toBe(
      '1 of 2 workloads have a copy as new as its job wants; web10 is 4 h late; nothing is damaged; oldest check 6 days',
    );
  });

  it('is not safe without a limit, and not unsafe either', () => {
    const known = facts([source('web10', 12)], [chain('web10', 12)]);
    const { verdict } = safetyOf({ ...known, jobs: [nightly({ job: testJob() })] }, NOW_MS);
    expect(verdict).toMatchObject({
      state: 'unknown',
      sentence:
        '0 of 1 workload has a copy as new as its job wants; of web10 no job says how old the copy may become; nothing is damaged; oldest check 6 days',
    });
  });

  it('is unknown of nothing', () => {
    const { verdict } = safetyOf(
      {
        repositories: [],
        jobs: [],
        fileBackups: [],
        unreadJobs: [],
        failingChannels: [],
        unreadLists: [],
        unreadDeliveries: null,
        unknownChannelJobs: [],
      },
      NOW_MS,
    );
    expect(verdict).toMatchObject({ state: 'unknown', sentence: 'no workload is known' });
  });
});

describe('problems', () => {
  it('are one for a target that is away, with all its workloads, and since when', () => {
    const known = facts([source('web10', 12), source('db07', 12)], []);
    const away = repository('offsite', [chain('web10', 12), chain('db07', 35)], {
      awaySinceMs: ago(3),
      code: 'REPOSITORY_UNREACHABLE',
      reason: 'no answer',
    });
    const repositories = [known.repositories[0]!, away];
    const { problems, workloads } = safetyOf({ ...known, repositories }, NOW_MS);
    expect(workloads.map(({ name, state }) => [name, state])).toEqual([
      ['db07', 'late'],
      ['web10', 'unknown'],
    ]);
    expect(problems).toMatchObject([
      {
        code: 'REPOSITORY_AWAY',
        errorCode: 'REPOSITORY_UNREACHABLE',
        sinceMs: ago(3),
        repositoryId: 'offsite',
        text: 'target offsite cannot be looked at: no answer',
        workloads: [{ name: 'db07' }, { name: 'web10' }],
      },
    ]);
  });

  it.each([
    [30, ['REPOSITORY_FILLS']],
    [31, []],
  ])('tell that a target is full in %i days: %o', (days, codes) => {
    const fullAtMs = NOW_MS + days * 24 * 3_600_000;
    const repositories = [
      repository('primary', [source('web01', 12)]),
      repository('offsite', [chain('web01', 12)], { fullAtMs }),
    ];
    const { problems, verdict } = safetyOf(facts([], [], { repositories }), NOW_MS);
    expect(problems.map(({ code }) => code)).toEqual(codes);
    expect(verdict.state).toBe('safe');
  });

  it('are those of a job that did not start, with what is late for it', () => {
    const known = facts([source('web10', 12)], [chain('web10', 35)]);
    const jobs = [nightly({ missedStartAtMs: ago(14) })];
    const { problems, verdict } = safetyOf({ ...known, jobs }, NOW_MS);
    expect(problems).toMatchObject([
      { code: 'JOB_NOT_STARTED', sinceMs: ago(14), workloads: [{ name: 'web10' }] },
    ]);
    expect(verdict.sentence).toContain(
      'job Nightly off-site did not start at 2026-11-25 22:00 UTC',
    );
  });

  it.each([
    [
      'a source that shows nothing',
      facts([], [chain('web10', 12)]),
      [['SOURCE_EMPTY', 'source primary shows no workload at all']],
    ],
    [
      'a workload that no source shows any more',
      facts(
        [source('db07', 12)],
        [chain('db07', 12), chain('web10', 12, { missedSince: instant(ago(10)) })],
      ),
      [['WORKLOAD_GONE', 'web10 of job Nightly off-site is not in its sources any more']],
    ],
    [
      'damage, and what was never verified',
      facts(
        [source('web10', 12)],
        [chain('web10', 12, { damagedCount: 2, neverVerifiedCount: 1 })],
      ),
      [
        ['COPY_DAMAGED', 'restore points of web10 in offsite are damaged'],
        ['COPY_NOT_VERIFIED', 'restore points of web10 in offsite were not verified'],
      ],
    ],
    [
      'a source that stopped',
      facts([source('web10', 35)], [chain('web10', 35)]),
      [
        [
          'SOURCE_STOPPED',
          'web10: the source has shown no new restore point for 35 h; the limit is 26 h',
        ],
      ],
    ],
    [
      'a job that failed, while all is well still',
      facts([source('web10', 12)], [chain('web10', 12)], {
        jobs: [nightly({ fault: { sessionId: 's', result: 'failed', startedAtMs: ago(2) } })],
      }),
      [
        [
          'JOB_FAILED',
          'a session of job Nightly off-site ended with failed, and none since was better',
        ],
      ],
    ],
    [
      'why it failed',
      facts([source('web10', 12)], [chain('web10', 12)], {
        jobs: [
          nightly({
            fault: {
              ...{ sessionId: 's', result: 'failed', startedAtMs: ago(2) },
              causes: [
                { code: 'IMAGE_CORRUPT', workloads: ['db07', 'db08', 'db09'], count: 5 },
                { code: null, workloads: ['web10'] },
              ],
            },
          }),
        ],
      }),
      [
        [
          'JOB_FAILED',
          'a session of job Nightly off-site ended with failed (then IMAGE_CORRUPT: db07, db08, db09 and 2 more; web10), and none since was better',
        ],
      ],
    ],
  ] as const)('tell of %s', (_case, known, expected) => {
    const { problems } = safetyOf(known, NOW_MS);
    expect(problems.map(({ code, text }) => [code, text])).toEqual(expected);
  });

  it('tell of a job that waits for a decision, and take it for no replaced chain alone', () => {
    const known = facts([source('web10', 12)], [chain('web10', 12)], {
      jobs: [nightly({ state: 'actionRequired' })],
    });
    const { problems, verdict } = safetyOf(known, NOW_MS);
    const text =
      'job Nightly off-site waits for a decision: a chain of its source was made anew, or a source or a copy looks wiped';
    expect(problems.map((problem) => [problem.code, problem.text])).toEqual([
      ['JOB_NEEDS_DECISION', text],
    ]);
    expect(problems[0]!.nextStep).toContain('--accept-changes');
    expect(verdict.sentence).toContain(text);
  });

  it('leave out a workload that a job of its repository excludes, and name one that no job has', () => {
    const sources = { include: [{ repositoryId: 'primary', workloads: ['web10'] }], exclude: [] };
    const known = facts([source('web10', 12), source('test3', 12)], [chain('web10', 12)]);
    const job = testJob({ rpo: RPO, sources });
    const named = safetyOf({ ...known, jobs: [nightly({ job })] }, NOW_MS);
    expect(named.problems).toMatchObject([
      { code: 'WORKLOAD_IN_NO_JOB', sinceMs: ago(12), text: 'test3 is in no job' },
    ]);
    const excluding = { ...sources, exclude: [{ workload: 'test3' }] };
    const other = testJob({ rpo: RPO, sources: excluding });
    const { problems, workloads, verdict } = safetyOf(
      { ...known, jobs: [nightly({ job: other })] },
      NOW_MS,
    );
    expect(problems).toEqual([]);
    expect(workloads.map(({ name, state }) => [name, state])).toEqual([
      ['test3', 'unwatched'],
      ['web10', 'ok'],
    ]);
    expect(verdict.state).toBe('safe');
  });
});

it('counts a copy of a copy for what that was made of', () => {
  const second = testJob({
    id: 'second',
    rpo: { maxCopyAgeHours: null, maxLagHours: 4, workloads: [] },
    sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
    target: { repositoryId: 'vault' },
  });
  const onward = chain('web10', 36, {
    id: 'nightly:id-web10',
    jobId: 'second',
    idAsSource: 'second:nightly~id-web10',
    sourceRepositoryId: 'offsite',
  });
  const known = facts([source('web10', 12)], [chain('web10', 12)]);
  const { workloads } = safetyOf(
    {
      ...known,
      repositories: [...known.repositories, repository('vault', [onward])],
      jobs: [nightly(), nightly({ job: second })],
    },
    NOW_MS,
  );
  expect(workloads).toMatchObject([
    {
      repositoryId: 'primary',
      state: 'late',
      copies: [
        { job: { id: 'nightly' }, status: { state: 'ok' } },
        { job: { id: 'second' }, status: { state: 'late', sinceMs: ago(8) } },
      ],
    },
  ]);
});

it('counts a workload whose first copies failed once, as one without a copy', () => {
  const empty = chain('test3', 0, {
    sourceRepositoryId: null,
    restorePointCount: 0,
    recentAtSeconds: [],
    oldestAt: null,
    newestCopiedAt: null,
    oldestVerifiedAt: null,
    storedBytes: 0,
  });
  const sources = [source('web10', 12), source('test3', 30)];
  const before = safetyOf(facts(sources, [chain('web10', 12)]), NOW_MS);
  const after = safetyOf(facts(sources, [chain('web10', 12), empty]), NOW_MS);
  expect(after.verdict).toEqual(before.verdict);
  expect(after.problems).toEqual(before.problems);
  expect(after.workloads).toMatchObject([
    { name: 'test3', repositoryId: 'primary', leftovers: [] },
    { name: 'web10', repositoryId: 'primary', leftovers: [] },
  ]);
});
