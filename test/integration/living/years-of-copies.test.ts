import { expect, it } from 'vitest';
import {
  dayOf,
  expectedWithGfs,
  isoDateOf,
  isSunday,
} from '../../support/living/calendar-of-copies.js';
import { requireTool } from '../../support/image/qemu.js';
import { LivingChain, type LivingPolicy } from '../../support/living/living-chain.js';
import { wrongPointsToQemu } from '../../support/living/qemu-witness.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

interface Life {
  readonly policy: LivingPolicy;
  readonly firstDay: number;
  readonly lastDay: number;
  /** When the backup of a day is made. */
  readonly atMs: (day: number) => number;
  /** Days whose copies must be there after the session of `today`. */
  readonly expected: (today: number) => readonly number[];
}

/** Daily backups and copies; the source begins a new chain each Wednesday and gives the old one up once that is copied. After every day the copies are those that the
 *  calendar asks for; each 50th day and at the end they are read back. */
async function live({ policy, firstDay, lastDay, atMs, expected }: Life): Promise<LivingChain> {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const living = await LivingChain.begin({ source, target }, atMs(firstDay), policy);
  for (let day = firstDay; day <= lastDay; day++) {
    if (day > firstDay) {
      living.source.work(day);
      await living.source.backUp(atMs(day), day % 7 === 6 ? 'full' : 'incremental');
    }
    const warnings = await living.session();
    await living.source.keepChains(1);
    const date = isoDateOf(day);
    expect(warnings, date).toBe('');
    expect(await living.createdAtMs(), date).toEqual(expected(day).map(atMs));
    if ((day - firstDay) % 50 === 49) await expectGood(living, target, date);
    // What the simulation remembers of past operations would only cost time.
    for (const repository of [source, target]) {
      repository.settleAll();
      repository.operations.length = 0;
    }
  }
  await expectGood(living, target, 'at the end');
  return living;
}

/** All points read back bit for bit; qemu-img, which takes longer, is asked about the oldest one and the two newest. */
async function expectGood(
  living: LivingChain,
  target: SimulatedRepository,
  when: string,
): Promise<void> {
  expect(await living.wrongPoints(), when).toEqual([]);
  if (!hasQemu) return;
  const points = await living.points();
  const witnessed = [...new Set([...points.slice(0, 1), ...points.slice(-2)])];
  expect(
    await wrongPointsToQemu({ ...living.chain, repository: target }, witnessed, living.truth),
    when,
  ).toEqual([]);
}

const hasQemu = requireTool('qemu-img');

function inTheEvening(day: number): number {
  return day * DAY_MS + 22 * HOUR_MS;
}

function lastDays(firstDay: number, today: number, count: number): number[] {
  const first = Math.max(firstDay, today - count + 1);
  return Array.from({ length: today - first + 1 }, (_, i) => first + i);
}

const GFS = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: { keep: 6, week: 'first' },
  yearly: { keep: 1, month: 'january' },
  fullMethod: 'synthetic',
} as const;
const FOURTEEN_DAILY = { type: 'restorePoints', value: 14 } as const;
const EXPECTED = { restorePoints: 14, weeks: 4, months: 6, years: 1 };

it('keeps exactly 14 daily, 4 weekly, 6 monthly and one yearly copy over more than a year, bit for bit', async () => {
  // Before the first Sunday of January 2027, whose copy is the yearly one for a year: past 3 January 2028 it goes.
  const firstDay = dayOf('2026-12-27');
  const lastDay = dayOf('2028-01-19');
  const living = await live({
    policy: { mode: 'periodic', retention: FOURTEEN_DAILY, gfs: GFS, timeZone: 'UTC' },
    firstDay,
    lastDay,
    atMs: inTheEvening,
    expected: (today) => expectedWithGfs(firstDay, today, EXPECTED),
  });
  const left = (await living.createdAtMs()).map((ms) => Math.floor(ms / DAY_MS));
  const weekdays = left.filter((day) => !isSunday(day)).map(isoDateOf);
  expect([weekdays.length, weekdays[0], weekdays.at(-1)]).toEqual([15, '2028-01-03', '2028-01-19']);
  expect(left.filter(isSunday).map(isoDateOf)).toEqual([
    ...['2027-08-01', '2027-09-05', '2027-10-03', '2027-11-07', '2027-12-05'],
    ...['2027-12-26', '2028-01-02', '2028-01-09', '2028-01-16'],
  ]);
});

it('keeps GFS copies of the days of the job’s time zone through a leap day and the change to summer time', async () => {
  const firstDay = dayOf('2027-12-01');
  // Half past midnight in Berlin is still the day before in UTC: an hour ahead of UTC, two from 26 March 2028 (01:00 UTC) on.
  const atMs = (day: number): number =>
    day * DAY_MS + HOUR_MS / 2 - (day > dayOf('2028-03-26') ? 2 : 1) * HOUR_MS;
  const timeZone = 'Europe/Berlin';
  await live({
    policy: { mode: 'periodic', retention: FOURTEEN_DAILY, gfs: GFS, timeZone },
    firstDay,
    lastDay: dayOf('2028-04-05'),
    atMs,
    expected: (today) => expectedWithGfs(firstDay, today, EXPECTED),
  });
});

it('keeps exactly the newest seven copies for two months by merging', async () => {
  const firstDay = dayOf('2028-02-01');
  const retention = { type: 'restorePoints', value: 7 } as const;
  const living = await live({
    policy: { mode: 'periodic', retention, gfs: null, timeZone: 'UTC' },
    firstDay,
    lastDay: firstDay + 60,
    atMs: inTheEvening,
    expected: (today) => lastDays(firstDay, today, 7),
  });
  const kinds = (await living.points()).map(({ kind }) => kind);
  expect(kinds).toEqual(['full', ...Array.from({ length: 6 }, () => 'increment')]);
});

it('keeps today’s copy and those of exactly the seven days before for two months', async () => {
  const firstDay = dayOf('2028-02-01');
  const retention = { type: 'days', value: 7 } as const;
  await live({
    policy: { mode: 'periodic', retention, gfs: null, timeZone: 'UTC' },
    firstDay,
    lastDay: firstDay + 60,
    atMs: inTheEvening,
    expected: (today) => lastDays(firstDay, today, 8),
  });
});
