import { describe, expect, it } from 'vitest';
import type { RetentionInput } from '../../../../src/domain/retention/retention.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';
import { daily, targetChain } from './chain-builder.js';
import { brief, days, id, newest, plan, reasonOf, WEEKLY } from './retention-plans.js';

/** One chain for each list of days, one after the other. */
function chains(...lists: string[][]): TargetRestorePoint[] {
  return lists.flatMap((list) => targetChain(list));
}

function change(
  points: TargetRestorePoint[],
  date: string,
  fields: Partial<TargetRestorePoint>,
): TargetRestorePoint[] {
  return points.map((point) => (point.id === id(date) ? { ...point, ...fields } : point));
}

function corruptWarning(day: string): string {
  return `restore point ${id(day)} is corrupt: nothing older goes from its chain until it is healed, or as a whole when a new chain (\`longhaul job start <job> --active-full --workload <id>\`) has as many points as are kept`;
}

describe('retention of one chain without GFS', () => {
  it.each<[string, number, object, string[]]>([
    ['7 points, 7 asked', 7, newest(7), []],
    ['8 points, 7 asked', 8, newest(7), ['merge 01<02']],
    [
      '10 points, 7 asked: oldest first',
      10,
      newest(7),
      ['merge 01<02', 'merge 02<03', 'merge 03<04'],
    ],
    ['2 points, 1 asked', 2, newest(1), ['merge 01<02']],
    ['1 point', 1, newest(1), []],
    // The day of the run does not count: 6 days keep 7 points, the merge comes on day 8 (backup_copy_simple_retention).
    ['6 days, 7 daily points', 7, days(6), []],
    ['6 days, 8 daily points', 8, days(6), ['merge 01<02']],
    ['7 days, 8 daily points', 8, days(7), []],
    ['1 day, but 3 points always stay', 4, days(1), ['merge 01<02']],
    ['1 day, 3 points', 3, days(1), []],
  ])('%s', (_, count, policy, actions) => {
    expect(brief(plan(targetChain(daily('2026-11-01', count)), policy).actions)).toEqual(actions);
  });

  it('counts days without a point too', () => {
    const points = targetChain([
      '2026-11-01',
      '2026-11-02',
      '2026-11-03',
      '2026-11-04',
      '2026-11-10',
    ]);
    expect(brief(plan(points, days(7)).actions)).toEqual(['merge 01<02', 'merge 02<03']);
    const later = { ...days(7), nowMs: Date.parse('2026-11-30T12:00:00Z') };
    expect(brief(plan(points, later).actions)).toEqual(['merge 01<02', 'merge 02<03']);
  });

  it('counts days in the time zone of the job', () => {
    // 23:30 UTC on the 1st is the 2nd in Berlin. Run on the 10th at noon, 8 days: the 2nd is the first day kept.
    const points = targetChain(['2026-11-01T23:30:00Z', ...daily('2026-11-02', 8)]);
    const now = { ...days(8), nowMs: Date.parse('2026-11-10T12:00:00Z') };
    expect(plan(points, { ...now, timeZone: 'Europe/Berlin' }).actions).toEqual([]);
    expect(brief(plan(points, { ...now, timeZone: 'UTC' }).actions)).toEqual(['merge 01<02']);
  });

  it('begins a day of 23 hours at its own midnight', () => {
    // Berlin went to summer time on 28 March 2027: that day began at 23:00 UTC, the next one at 22:00 UTC.
    const points = targetChain([
      '2027-03-28T21:59:00Z',
      '2027-03-28T22:00:00Z',
      '2027-03-29T10:00:00Z',
      ...daily('2027-03-29', 2),
    ]);
    const input = {
      ...days(2),
      timeZone: 'Europe/Berlin',
      nowMs: Date.parse('2027-03-31T21:59:00Z'),
    };
    expect(plan(points, input).actions).toEqual([
      { type: 'merge', fullId: '2027-03-28T21:59:00Z', incrementId: '2027-03-28T22:00:00Z' },
    ]);
  });

  it('gives each kept point its reason', () => {
    const points = targetChain(daily('2026-11-01', 4));
    expect(plan(points, newest(2)).keep).toEqual([
      { id: id('2026-11-03'), reasons: ['one of the 2 newest'] },
      { id: id('2026-11-04'), reasons: ['one of the 2 newest'] },
    ]);
    expect(plan(points, days(1)).keep).toEqual([
      { id: id('2026-11-02'), reasons: ['one of the 3 newest, which always stay'] },
      { id: id('2026-11-03'), reasons: ['not older than 1 day'] },
      { id: id('2026-11-04'), reasons: ['not older than 1 day'] },
    ]);
  });

  it('merges nothing while a point of the chain is in use', () => {
    const result = plan(targetChain(daily('2026-11-01', 9)), {
      leasedPointIds: [id('2026-11-09')],
    });
    expect(result.actions).toEqual([]);
    expect(reasonOf(result, '2026-11-01')).toEqual([`needed by ${id('2026-11-03')}`]);
    expect(reasonOf(result, '2026-11-09')).toEqual(['one of the 7 newest', 'in use']);
  });

  it('does not count corrupt points, and does not merge them', () => {
    const points = change(targetChain(daily('2026-11-01', 5)), '2026-11-04', { health: 'corrupt' });
    expect(brief(plan(points, newest(3)).actions)).toEqual(['merge 01<02']);
    expect(reasonOf(plan(points, newest(3)), '2026-11-04')).toEqual(['corrupt, not counted']);

    const old = change(targetChain(daily('2026-11-01', 6)), '2026-11-03', { health: 'corrupt' });
    const result = plan(old, newest(2));
    expect(brief(result.actions)).toEqual(['merge 01<02']);
    expect(result.warnings).toEqual([corruptWarning('2026-11-03')]);
  });

  // 3 days on the 10th keep the 7th to the 10th: the full would be built of the 1st to the 7th.
  it.each([1, 4, 7])('of days builds no full of a corrupt point: %i November', (date) => {
    const corrupt = `2026-11-0${String(date)}`;
    const points = change(targetChain(daily('2026-11-01', 10)), corrupt, { health: 'corrupt' });
    const result = plan(points, { ...days(3), mergeAllowed: false });
    expect(result.actions).toEqual([]);
    expect(result.warnings).toEqual([corruptWarning(corrupt)]);
  });

  it('of days builds a full below a corrupt point', () => {
    const points = change(targetChain(daily('2026-11-01', 10)), '2026-11-09', {
      health: 'corrupt',
    });
    expect(brief(plan(points, { ...days(3), mergeAllowed: false }).actions)).toEqual([
      'synthetic 07',
      'delete 06,05,04,03,02,01',
    ]);
  });

  it('merges a retired full away, even with fewer points than asked for', () => {
    const points = change(targetChain(daily('2026-11-01', 3)), '2026-11-01', { state: 'retired' });
    expect(brief(plan(points).actions)).toEqual(['merge 01<02']);
  });
});

describe('retention where nothing can be merged in place', () => {
  const forward = { mergeAllowed: false };

  it('waits until as many points are outdated as are kept, then begins the chain anew at the oldest one to keep', () => {
    expect(plan(targetChain(daily('2026-11-01', 13)), forward).actions).toEqual([]);
    expect(brief(plan(targetChain(daily('2026-11-01', 14)), forward).actions)).toEqual([
      'synthetic 08',
      'delete 07,06,05,04,03,02,01',
    ]);
  });

  it('builds no full from a chain with a corrupt point', () => {
    const points = change(targetChain(daily('2026-11-01', 14)), '2026-11-03', {
      health: 'corrupt',
    });
    const result = plan(points, forward);
    expect(result.actions).toEqual([]);
    expect(result.warnings).toEqual([corruptWarning('2026-11-03')]);
  });

  it('treats an immutable target so, whatever it can overwrite', () => {
    const immutable = { ...newest(5), immutableForDays: 2 };
    expect(brief(plan(targetChain(daily('2026-11-01', 10)), immutable).actions)).toEqual([
      'synthetic 06',
      'delete 05,04,03,02,01',
    ]);
  });

  it('leaves an immutable point alone and says that the chain grows', () => {
    const result = plan(targetChain(daily('2026-11-01', 20)), {
      ...newest(5),
      immutableForDays: 10,
    });
    expect(result.actions).toEqual([]);
    expect(result.warnings).toHaveLength(1);
    expect(result.warnings[0]).toContain('10 outdated restore points stay, because the immutable');
    expect(reasonOf(result, '2026-11-11')).toEqual(['immutable until 2026-11-21 22:00 UTC']);
    expect(reasonOf(result, '2026-11-10')).toEqual([`needed by ${id('2026-11-11')}`]);
  });
});

describe('retention of several chains', () => {
  it('drops the old chain whole once the new one has as many points as asked for', () => {
    const old = daily('2026-11-01', 7);
    expect(plan(chains(old, daily('2026-11-08', 6))).actions).toEqual([]);
    const result = plan(chains(old, daily('2026-11-08', 7)));
    expect(result.actions).toEqual([
      {
        type: 'delete',
        chainId: id('2026-11-01'),
        ids: ['07', '06', '05', '04', '03', '02', '01'].map((d) => id(`2026-11-${d}`)),
      },
    ]);
  });

  it('keeps all of an old chain while one point of it is wanted', () => {
    const result = plan(chains(daily('2026-11-01', 7), daily('2026-11-08', 6)));
    expect(reasonOf(result, '2026-11-01')).toEqual([`needed by ${id('2026-11-07')}`]);
    expect(reasonOf(result, '2026-11-07')).toEqual(['one of the 7 newest']);
  });

  it('merges again when only one chain is left', () => {
    const result = plan(chains(daily('2026-11-01', 3), daily('2026-11-04', 9)));
    expect(brief(result.actions)).toEqual(['delete 03,02,01', 'merge 04<05', 'merge 05<06']);
  });

  it('waits with a chain of which an increment is in use', () => {
    const points = chains(daily('2026-11-01', 4), daily('2026-11-05', 7));
    const result = plan(points, { leasedPointIds: [id('2026-11-02')] });
    expect(result.actions).toEqual([]);
    expect(reasonOf(result, '2026-11-01')).toEqual([`needed by ${id('2026-11-02')}`]);
    expect(reasonOf(result, '2026-11-04')).toEqual(['goes only with its whole chain']);
  });

  it('lets a chain with a corrupt point go as a whole once another one has as many points as are kept', () => {
    const corrupt = { health: 'corrupt' } as const;
    const old = change(targetChain(daily('2026-11-01', 4)), '2026-11-02', corrupt);
    const after = (count: number) => [...old, ...targetChain(daily('2026-11-05', count))];
    expect(plan(after(2), newest(3)).actions).toEqual([]);
    expect(brief(plan(after(3), newest(3)).actions)).toEqual(['delete 04,03,02,01']);
  });

  it('keeps a corrupt old chain while there are fewer good points than asked for', () => {
    const points = chains(['2026-11-01'], daily('2026-11-02', 3)).map((point, index) =>
      index === 0 ? { ...point, health: 'corrupt' as const } : point,
    );
    expect(plan(points).actions).toEqual([]);
  });
});

describe('retention with GFS', () => {
  const sundays = chains(
    daily('2026-11-01', 7),
    daily('2026-11-08', 7),
    daily('2026-11-15', 7),
  ).map((point) => (point.kind === 'full' ? { ...point, flags: ['weekly' as const] } : point));

  it('never merges', () => {
    expect(plan(targetChain(daily('2026-11-01', 20)), { gfs: WEEKLY }).actions).toEqual([]);
  });

  it('deletes the increments of an outdated chain all together and keeps its flagged full', () => {
    const result = plan(sundays, { gfs: WEEKLY });
    expect(brief(result.actions)).toEqual(['delete 07,06,05,04,03,02', 'delete 14,13,12,11,10,09']);
    expect(reasonOf(result, '2026-11-01')).toEqual(['weekly 3 of 4 until 2026-11-29']);
    expect(reasonOf(result, '2026-11-15')).toEqual([
      'one of the 7 newest',
      'weekly 1 of 4 until 2026-12-13',
    ]);
  });

  it('deletes the full too when its flag is over', () => {
    const points = [...sundays, ...targetChain(daily('2026-11-22', 7))];
    const result = plan(points, { gfs: WEEKLY, nowMs: Date.parse('2026-11-29T00:00:00Z') });
    expect(brief(result.actions)[0]).toBe('delete 07,06,05,04,03,02,01');
  });

  it('keeps the full past the end of its flag when nothing newer was copied meanwhile, and says why', () => {
    const result = plan(sundays, { gfs: WEEKLY, nowMs: Date.parse('2026-11-29T00:00:00Z') });
    expect(brief(result.actions)[0]).toBe('delete 07,06,05,04,03,02');
    expect(reasonOf(result, '2026-11-01')).toEqual([
      'weekly 3 of 4 until 2026-11-29',
      'ages are counted from the newest restore point of 2026-11-21 22:00 UTC',
    ]);
  });

  it('keeps a full without a flag as long as one of its increments is wanted', () => {
    const result = plan(chains(daily('2026-11-01', 7), daily('2026-11-08', 6)), { gfs: WEEKLY });
    expect(result.actions).toEqual([]);
    expect(reasonOf(result, '2026-11-01')).toEqual([`needed by ${id('2026-11-07')}`]);
  });

  it('says that flags protect no more when their tier was turned off', () => {
    const result = plan(sundays);
    expect(brief(result.actions)).toEqual([
      'delete 07,06,05,04,03,02,01',
      'delete 14,13,12,11,10,09,08',
    ]);
    expect(result.warnings).toEqual([
      '14 of 21 restore points are to go at once',
      '2 of the restore points that are to go carry flags of a GFS tier that is off',
    ]);
  });

  describe('that was turned off and whose fulls stay', () => {
    const endedGfs = { weekly: 4, monthly: null, yearly: null };

    it('keeps them until the day that their flags had, and lets their increments go', () => {
      const result = plan(sundays, { endedGfs });
      expect(brief(result.actions)).toEqual([
        'delete 07,06,05,04,03,02',
        'delete 14,13,12,11,10,09',
      ]);
      expect(reasonOf(result, '2026-11-01')).toEqual([
        'weekly 3 of 4 until 2026-11-29, though the tier is off',
      ]);
      expect(result.warnings).toEqual(['12 of 21 restore points are to go at once']);
    });

    // Four weeks from 1 November end with the 28th. The chain of the 15th is the last one: nothing makes new fulls.
    it('lets each go on its day without a word of tiers that are off', () => {
      const points = [...sundays, ...targetChain(daily('2026-11-22', 8))];
      const result = plan(points, { endedGfs });
      expect(brief(result.actions)[0]).toBe('delete 07,06,05,04,03,02,01');
      expect(result.warnings.filter((text) => text.includes('tier'))).toEqual([]);
    });

    it('shortens the chain that grows as if it were alone, past fulls on which nothing builds', () => {
      const kept = change(chains(['2026-11-01'], daily('2026-11-08', 9)), '2026-11-01', {
        flags: ['weekly'],
      });
      expect(brief(plan(kept, { endedGfs }).actions)).toEqual(['merge 08<09', 'merge 09<10']);
    });

    it('merges nothing into such a full, and makes a new one once half of its chain is outdated', () => {
      const flagged = (count: number) =>
        change(targetChain(daily('2026-11-01', count)), '2026-11-01', { flags: ['weekly'] });
      // The full, 6 outdated increments, 7 wanted ones.
      expect(plan(flagged(14), { endedGfs }).actions).toEqual([]);
      const result = plan(flagged(15), { endedGfs });
      expect(brief(result.actions)).toEqual(['synthetic 09', 'delete 08,07,06,05,04,03,02']);
      expect(result.keep.map(({ id: kept }) => kept)).toEqual(
        [...daily('2026-11-01', 1), ...daily('2026-11-09', 7)].map(id),
      );
    });
  });

  it('leaves an immutable full alone, but not its increments that are free', () => {
    const points = change(sundays, '2026-11-01', { flags: [], copiedAt: '2026-11-20T00:00:00Z' });
    const result = plan(points, { gfs: WEEKLY, immutableForDays: 5 });
    expect(brief(result.actions)[0]).toBe('delete 07,06,05,04,03,02');
    expect(reasonOf(result, '2026-11-01')).toEqual(['immutable until 2026-11-25 00:00 UTC']);
  });
});

describe('retention that must not run', () => {
  const points = targetChain(daily('2026-11-01', 20));
  it.each<[string, TargetRestorePoint[], Partial<RetentionInput>, string]>([
    [
      'a file cannot be read',
      points,
      { unreadable: true },
      'a file of the chain cannot be read just now',
    ],
    [
      'the health of a point is unknown',
      change(points, '2026-11-03', { health: 'unknown' }),
      {},
      `nothing proves restore point ${id('2026-11-03')} until it is verified`,
    ],
    [
      'the newest point lies in the future',
      points,
      { nowMs: Date.parse('2026-11-20T12:00:00Z') },
      `restore point ${id('2026-11-20')} was copied after the present time 2026-11-20 12:00 UTC; check the clock`,
    ],
    [
      'the clock is behind the newest copy',
      change(points, '2026-11-20', { copiedAt: '2026-11-21T06:00:00Z' }),
      { nowMs: Date.parse('2026-11-21T05:00:00Z') },
      `restore point ${id('2026-11-20')} was copied after the present time 2026-11-21 05:00 UTC; check the clock`,
    ],
    [
      'a parent is not listed',
      points.filter((point) => point.id !== id('2026-11-05')),
      {},
      `restore point ${id('2026-11-06')} builds on ${id('2026-11-05')}, which its chain does not list`,
    ],
  ])('%s', (_, given, input, reason) => {
    const result = plan(given, input);
    expect(result.actions).toEqual([]);
    expect(result.warnings).toEqual([`no restore point is merged or deleted: ${reason}`]);
    expect(result.keep.map((point) => point.id)).toEqual(given.map((point) => point.id));
  });

  it('warns when more than half of the points are to go, and not at half', () => {
    expect(plan(points, newest(10)).warnings).toEqual([]);
    expect(plan(points, newest(9)).warnings).toEqual(['11 of 20 restore points are to go at once']);
  });

  it('plans nothing for no points', () => {
    expect(plan([], { nowMs: 0 })).toEqual({ keep: [], actions: [], warnings: [] });
  });
});
