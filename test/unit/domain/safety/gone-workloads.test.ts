import { describe, expect, it } from 'vitest';
import type { RepositoryFacts } from '../../../../src/domain/safety/protection.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import { uncopiedPlaces } from '../../../../src/domain/safety/uncopied-places.js';
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

describe('problems', () => {
  const DB07_ALONE = [repository('primary', [source('db07', 12)])];
  const KEPT = [chain('db07', 12), chain('web10', 12)];
  it.each([
    ['that the look does not show', DB07_ALONE, KEPT, null],
    [
      'that sessions have missed before',
      DB07_ALONE,
      [chain('db07', 12), chain('web10', 12, { missedSince: instant(ago(10)) })],
      ago(10),
    ],
    [
      'that sessions have missed, while nobody has seen its source',
      [repository('primary', [], { seenAtMs: null })],
      [chain('web10', 12, { missedSince: instant(ago(10)) })],
      ago(10),
    ],
  ] as const)('tell of a workload as gone %s', (_case, sources, chains, sinceMs) => {
    const repositories = [...sources, repository('offsite', chains)];
    const { problems } = safetyOf(facts([], [], { repositories }), NOW_MS);
    expect(problems.filter(({ code }) => code === 'WORKLOAD_GONE')).toMatchObject([
      {
        ...{ severity: 'error', sinceMs, jobId: 'nightly', workloads: [{ name: 'web10' }] },
        text: 'web10 of job Nightly off-site is not in its sources any more',
      },
    ]);
  });

  const unreadName = uncopiedPlaces([{ path: 'x', code: 'NAME_UNSUPPORTED' }], []);
  const note = uncopiedPlaces([], [{ folder: '.', fileCount: 1, examples: ['README'] }]);
  it.each([
    ['its source is away', [source('db07', 12)], { awaySinceMs: ago(1) }, KEPT],
    ['its source was never seen', [], { seenAtMs: null }, KEPT],
    ['its source shows nothing at all', [], {}, KEPT],
    ['a part of its source cannot be read', [source('db07', 12)], { uncopied: unreadName }, KEPT],
    [
      'its source shows it',
      [source('db07', 12), source('web10', 12)],
      {},
      [chain('db07', 12), chain('web10', 12, { missedSince: instant(ago(10)) })],
    ],
    [
      'what its source shows may have had its id',
      [{ ...source('db07', 12), otherIds: ['id-folder', 'id-web10'] }],
      {},
      [chain('db07', 12), chain('web10', 12, { missedSince: instant(ago(10)) })],
    ],
    [
      'what its source shows is all dates, of which it was one',
      [{ ...source('db07', 12), otherIds: ['id-b:<date>'] }],
      {},
      [chain('db07', 12), chain('b:2026-11-01', 12, { missedSince: instant(ago(10)) })],
    ],
    [
      'it has no copy',
      [source('db07', 12)],
      {},
      [
        chain('db07', 12),
        chain('web10', 12, { restorePointCount: 0, recentAtSeconds: [], oldestAt: null }),
      ],
    ],
  ] as const)('call no workload gone when %s', (_case, sources, changes, chains) => {
    const repositories = [repository('primary', sources, changes), repository('offsite', chains)];
    const { problems } = safetyOf(facts([], [], { repositories }), NOW_MS);
    expect(problems.map(({ code }) => code)).not.toContain('WORKLOAD_GONE');
  });

  it('call a workload gone beside files of no layout, and not one that is excluded or has moved to another source', () => {
    const gone = (second: RepositoryFacts, exclude: { workload: string }[] = []) => {
      const include = [{ repositoryId: 'primary' }, { repositoryId: 'share' }];
      const job = testJob({ rpo: RPO, sources: { include, exclude } });
      const primary = repository('primary', [source('db07', 12)], { uncopied: note });
      const repositories = [primary, second, repository('offsite', KEPT)];
      const known = facts([], [], { repositories, jobs: [nightly({ job })] });
      const { problems } = safetyOf(known, NOW_MS);
      return problems.filter(({ code }) => code === 'WORKLOAD_GONE').length;
    };
    const share = (workloads: RepositoryFacts['workloads'], changes = {}) =>
      repository('share', workloads, { role: 'primary', ...changes });
    expect(gone(share([source('mail01', 12)]))).toBe(1);
    expect(gone(share([source('mail01', 12)]), [{ workload: 'web10' }])).toBe(0);
    expect(gone(share([source('web10', 12)]))).toBe(0);
    expect(gone(share([source('mail01', 12)], { awaySinceMs: ago(1) }))).toBe(0);
  });
});
