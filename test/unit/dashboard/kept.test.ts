import { describe, expect, it } from 'vitest';
import type { Overview, WorkloadView } from '../../../src/api/safety/overview-schemas.js';
import { healthVerdict } from '../../../src/dashboard/pages/health/health-verdict.js';
import {
  countWithLeftovers,
  jobsBeside,
  listCommands,
  nothingKeptWords,
  restoreFrom,
} from '../../../src/dashboard/show/kept.js';
import {
  lostPointWords,
  noMachineWords,
  noPointWords,
} from '../../../src/dashboard/pages/workloads/points.js';

type Place = [repositoryId: string, newestAt: string | null, restorePointCount?: number];

function workload(
  copies: Place[],
  leftovers: Place[],
  sourcePointCount: number | null = 3,
): WorkloadView {
  const view = ([repositoryId, newestAt, restorePointCount = 1]: Place) => ({
    ...{ jobId: 'any', repositoryId, newestAt, restorePointCount },
  });
  const all = [...copies, ...leftovers].map(view);
  return {
    ...{ repositoryId: 'primary', sourcePointCount },
    restorePointCount: all.reduce((sum, each) => sum + each.restorePointCount, 0),
    copies: copies.map(view),
    leftovers: leftovers.map(view),
  } as unknown as WorkloadView;
}

const MONDAY = '2026-11-23T22:00:00.000Z';
const TUESDAY = '2026-11-24T22:00:00.000Z';

describe('a workload is restored', () => {
  it.each<[string, WorkloadView, string | null]>([
    ['from the copies of its job', workload([['offsite', MONDAY]], []), 'offsite'],
    [
      'from the newest of several copies',
      workload(
        [
          ['offsite', MONDAY],
          ['vault', TUESDAY],
        ],
        [],
      ),
      'vault',
    ],
    ['from what no job makes any more', workload([], [['offsite', MONDAY]], null), 'offsite'],
    [
      'from what no job makes any more, when its job has copied nothing yet',
      workload([['vault', null, 0]], [['offsite', MONDAY]]),
      'offsite',
    ],
    [
      'from its source, when all copies are damaged',
      workload([['offsite', null, 2]], []),
      'primary',
    ],
    [
      'from damaged copies, when there is nothing else',
      workload([['offsite', null, 2]], [], null),
      'offsite',
    ],
    ['from nowhere, when there is nothing at all', workload([], [], null), null],
  ])('%s', (_case, view, from) => expect(restoreFrom(view)?.repositoryId ?? null).toBe(from));

  it('under the id that its copies have there, and its source under its own', () => {
    const from = (...args: Parameters<typeof workload>) => {
      const { copies, ...view } = workload(...args);
      return restoreFrom({ ...view, id: 'web', copies: copies.map(ofCopies) });
    };
    expect(from([['vault', MONDAY]], [])).toEqual({
      ...{ repositoryId: 'vault', workloadId: 'nightly:web' },
    });
    expect(from([['vault', null]], [])).toEqual({ repositoryId: 'primary', workloadId: 'web' });
    expect(from([['vault', null]], [], null)).toEqual({
      ...{ repositoryId: 'vault', workloadId: 'nightly:web' },
    });
  });

  it('from what the page says is left', () => {
    expect(nothingKeptWords(workload([], []))).toBe(
      'There is nothing to restore it from but its source.',
    );
    expect(nothingKeptWords(workload([], [], null))).toBe(
      'There is nothing to restore it from: no copy was seen, and no restore point at a source.',
    );
    expect(nothingKeptWords(workload([['offsite', null, 2]], [], null))).toBe(
      'None of its 2 copies can be trusted, and no restore point was seen at a source.',
    );
    const away = { ...workload([['offsite', null, 2]], []), sourceState: 'away' } as const;
    expect(nothingKeptWords(away)).toBe(
      'None of its 2 copies can be trusted; its source had it when it was last seen.',
    );
    expect(countWithLeftovers(workload([['offsite', MONDAY, 3]], [['vault', MONDAY, 12]]))).toBe(
      '15 (12 of no job)',
    );
  });
});

function ofCopies<Kept extends object>(kept: Kept) {
  return { ...kept, workloadId: 'nightly:web' };
}

describe('copies of copies', () => {
  const one = workload([['vault', MONDAY]], [['vault', TUESDAY]]);
  const view = { ...one, copies: one.copies.map(ofCopies) };

  it('are listed under the id that they have where they lie', () => {
    const leftovers = one.leftovers.map((each) => ({ ...each, workloadId: "it's" }));
    expect(listCommands({ ...view, leftovers })).toEqual([
      'longhaul restore-point list vault --workload nightly:web',
      `longhaul restore-point list vault --workload 'it'\\''s'`,
    ]);
  });

  it('get no job that keeps the machine there under another id', () => {
    const place = { repositoryId: 'vault', workloadId: 'nightly:web' };
    expect(jobsBeside(place, view)).toEqual(['any']);
    expect(jobsBeside({ ...place, workloadId: 'web' }, view)).toEqual([]);
    expect(jobsBeside({ ...place, repositoryId: 'offsite' }, view)).toEqual([]);
  });
});

describe('an empty list', () => {
  const part = { path: 'nightly/web', code: 'RECORD_DAMAGED', reason: 'no JSON' };

  it.each<[string, (unreadable: unknown[]) => string, string, string]>([
    [
      'of restore points',
      noPointWords,
      'It has no restore point there.',
      'No restore point of it was seen there, and not everything could be read.',
    ],
    [
      'of machines',
      (unreadable) => noMachineWords('', unreadable),
      'No machine has a restore point there.',
      'No machine has a restore point there as far as was seen: not everything could be read.',
    ],
    [
      'of machines that fit',
      (unreadable) => noMachineWords('web', unreadable),
      'No machine fits.',
      'No machine fits as far as was seen: not everything could be read.',
    ],
    [
      'in which the point of the address is missing',
      lostPointWords,
      'The restore point of this address is not there any more.',
      'The restore point of this address was not seen, and not everything could be read.',
    ],
  ])('%s says so of nothing that could not be read', (_case, words, nothing, unknown) => {
    expect(words([])).toBe(nothing);
    expect(words([part])).toBe(unknown);
  });
});

function overview(damaged: number, never: number, damage: 'good' | 'bad' | 'unknown'): Overview {
  return {
    counts: {
      restorePoints: 9,
      damagedRestorePoints: damaged,
      neverVerifiedRestorePoints: never,
    },
    verdict: { clauses: [{ about: 'damage', state: damage, text: '' }] },
  } as unknown as Overview;
}

describe('the health of copies', () => {
  it.each<[string, Overview, ReturnType<typeof healthVerdict>]>([
    [
      'is good when all was seen, read and compared',
      overview(0, 0, 'good'),
      {
        mood: 'good',
        sentence: 'Nothing is damaged: all 9 restore points were read and compared.',
      },
    ],
    [
      'is not known when a part could not be looked at',
      overview(0, 0, 'unknown'),
      {
        mood: 'unknown',
        sentence:
          'Nothing is known to be damaged, but not everything could be looked at; all 9 restore points that were seen were read and compared.',
      },
    ],
    [
      'is bad when one is damaged, whatever was not seen',
      overview(1, 2, 'bad'),
      { mood: 'bad', sentence: '1 restore point of 9 cannot be trusted.' },
    ],
  ])('%s', (_case, known, said) => expect(healthVerdict(known)).toEqual(said));
});
