import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import {
  isSuspicious,
  missedLook,
  removalOf,
  seenLook,
  type Presence,
} from '../../../../src/domain/retention/absence.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse('2026-11-01T22:00:00Z');

/** A day's number, of a time in days since the start. */
interface Look {
  readonly realDays: number;
  /** What the clock shows beyond the real time. */
  readonly aheadDays: number;
}

/** Real time of the look after which the copies go, in days since the first one; null: they stay. */
function goneAtDay(looks: readonly Look[], afterDays: number): number | null {
  let presence: Presence = seenLook(START_MS - DAY_MS);
  for (const { realDays, aheadDays } of looks) {
    const nowMs = START_MS + (realDays + aheadDays) * DAY_MS;
    presence = missedLook(presence, nowMs, afterDays);
    if (removalOf(presence.absence!, afterDays, nowMs).state === 'due')
      return realDays - looks[0]!.realDays;
  }
  return null;
}

const every = (days: number, count: number): Look[] =>
  Array.from({ length: count }, (_, n) => ({ realDays: n * days, aheadDays: 0 }));

describe('the copies of a workload that no source shows', () => {
  it('go only after the looks and the warning of the job that owns them now', () => {
    const looks = (presence: Presence, fromDay: number, days: number, origin?: string) => {
      const states: string[] = [];
      for (let day = fromDay; day < fromDay + days; day += 1) {
        const nowMs = START_MS + day * DAY_MS;
        presence = missedLook(presence, nowMs, 30, origin);
        states.push(removalOf(presence.absence!, 30, nowMs).state);
      }
      return { presence, states };
    };
    const old = looks(seenLook(START_MS - DAY_MS), 0, 29, 'deleted');
    expect(old.states.at(-1)).toBe('announced');
    for (const [first, other] of [
      [old.presence, 'new'],
      [looks(seenLook(START_MS - DAY_MS), 0, 29).presence, 'new'],
      [old.presence, undefined],
    ] as const) {
      const { states } = looks(first, 90, 31, other);
      expect(states.slice(0, 23)).toEqual(Array(23).fill('early'));
      expect(states.slice(23)).toEqual([...Array<string>(7).fill('announced'), 'due']);
    }
  });

  it.each([
    ['one look', every(1, 1), 1, null],
    ['looks of one day, an hour apart', every(1 / 48, 40), 1, null],
    ['one day, looks every day: never before a warning of three days', every(1, 400), 1, 3],
    ['60 days, looks every day', every(1, 400), 60, 60],
    // 1, 2, 3, 4 and 7, 8 …: five looks a week.
    [
      '14 days, looks on working days',
      every(1, 400).filter(({ realDays }) => realDays % 7 < 5),
      14,
      14,
    ],
    // After the first at 22:00 the look at 04:00 counts for each day.
    ['14 days, looks every six hours', every(1 / 4, 400), 14, 14.25],
    // Counted for 3, 7, 7, …: 3 + 7 × 9 = 66.
    ['60 days, one look a week', every(7, 400), 60, 70],
    // Counted for 3, 9, 27, 30: 69.
    ['60 days, one look every 30 days', every(30, 400), 60, 120],
    [
      '60 days, looks every day, the clock a year ahead from the start',
      every(1, 400).map((look) => ({ ...look, aheadDays: 365 })),
      60,
      60,
    ],
    // The leap counts for 3 days instead of 1.
    [
      '60 days, looks every day, the clock leaps ahead by a year after 10',
      every(1, 400).map((look) => ({ ...look, aheadDays: look.realDays >= 10 ? 365 : 0 })),
      60,
      58,
    ],
    // What lies between the look before and the one after the clock went back counts for nothing.
    [
      '60 days, looks every day, the clock goes back by a year after 10',
      every(1, 400).map((look) => ({ ...look, aheadDays: look.realDays >= 10 ? -365 : 0 })),
      60,
      61,
    ],
  ])('go after %s', (_, looks, afterDays, day) => {
    expect(goneAtDay(looks, afterDays)).toBe(day);
  });

  it('are counted by days with a look, from the first one that did not show it', () => {
    let presence = seenLook(START_MS - DAY_MS);
    expect(presence).toEqual({ lastSeenAt: '2026-10-31T22:00:00.000Z', absence: null });
    // Two looks on the second day count once.
    for (const hours of [0, 23, 24, 47])
      presence = missedLook(presence, START_MS + hours * HOUR_MS, 60);
    expect(presence).toEqual({
      lastSeenAt: '2026-10-31T22:00:00.000Z',
      absence: {
        firstMissedAt: '2026-11-01T22:00:00.000Z',
        lastMissedAt: '2026-11-03T21:00:00.000Z',
        missedDays: 3,
        provenMs: 47 * HOUR_MS,
        lastSpanMs: 24 * HOUR_MS,
        announcedAt: null,
      },
    });
    expect(removalOf(presence.absence!, 60, START_MS + 47 * HOUR_MS)).toEqual({
      state: 'early',
      dueAtMs: START_MS + 60 * DAY_MS,
    });
  });

  it('are announced seven days before, or one look before', () => {
    const announcedOn = (looks: readonly Look[], afterDays: number) => {
      let presence: Presence = seenLook(START_MS);
      for (const { realDays } of looks) {
        presence = missedLook(presence, START_MS + realDays * DAY_MS, afterDays);
        if (presence.absence!.announcedAt !== null) return realDays;
      }
      return null;
    };
    expect(announcedOn(every(1, 100), 60)).toBe(53);
    expect(announcedOn(every(30, 100), 60)).toBe(90);
    expect(announcedOn(every(1, 100), 5)).toBe(0);
  });

  it('are announced anew when a clock that was ahead had announced them', () => {
    const announcedAt = '2030-01-01T00:00:00.000Z';
    const absence = {
      firstMissedAt: '2026-11-01T22:00:00.000Z',
      lastMissedAt: '2026-11-09T22:00:00.000Z',
      missedDays: 9,
      provenMs: 8 * DAY_MS,
      lastSpanMs: DAY_MS,
      announcedAt,
    };
    const nowMs = Date.parse('2026-11-10T22:00:00.000Z');
    const after = missedLook({ lastSeenAt: null, absence }, nowMs, 10).absence;
    expect(after).toMatchObject({ announcedAt: '2026-11-10T22:00:00.000Z', provenMs: 9 * DAY_MS });
    expect(removalOf(after, 10, nowMs)).toEqual({
      state: 'announced',
      dueAtMs: nowMs + 3 * DAY_MS,
    });
  });

  it('go no earlier for a leap of the clock than three spans between looks that count, and go at last', () => {
    const gaps = fc.array(fc.double({ min: 0.01, max: 45, noNaN: true }), {
      minLength: 1,
      maxLength: 60,
    });
    const leap = fc.record({
      at: fc.nat(60),
      days: fc.integer({ min: -4_000, max: 4_000 }),
    });
    fc.assert(
      fc.property(gaps, leap, fc.integer({ min: 1, max: 90 }), (drawn, { at, days }, afterDays) => {
        let realDays = 0;
        const looks = drawn.map((gap, n): Look => {
          realDays += gap;
          return { realDays, aheadDays: n >= at ? days : 0 };
        });
        // Of the looks of one day the first counts: between two that count lies up to a day more than between two looks.
        const longest = Math.max(...drawn) + 1;
        const gone = goneAtDay(looks, afterDays);
        if (gone !== null) expect(gone).toBeGreaterThanOrEqual(afterDays - 3 * longest);
        const goesOn = [
          ...looks,
          ...every(1, afterDays + 5).map((look) => ({
            realDays: realDays + 1 + look.realDays,
            aheadDays: days,
          })),
        ];
        expect(goneAtDay(goesOn, afterDays)).not.toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it('never go without a leap before all their days are over since the first look in vain', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 45, noNaN: true }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: -20_000, max: 20_000 }),
        fc.integer({ min: 1, max: 90 }),
        (gaps, aheadDays, afterDays) => {
          let realDays = 0;
          const looks = gaps.map((gap): Look => ({ realDays: (realDays += gap), aheadDays }));
          const gone = goneAtDay(looks, afterDays);
          if (gone !== null) expect(gone).toBeGreaterThanOrEqual(Math.max(3, afterDays) - 1e-6);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('a source', () => {
  it.each([
    [1, 1, false],
    [2, 1, false],
    [2, 2, true],
    [6, 2, true],
    [7, 2, false],
    [9, 3, true],
    [100, 33, false],
    [100, 34, true],
    [100, 0, false],
  ])('that showed %i workloads and lacks %i is doubted: %s', (known, missing, expected) => {
    expect(isSuspicious(known, missing)).toBe(expected);
  });
});
