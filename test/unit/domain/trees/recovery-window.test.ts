import { expect, it } from 'vitest';
import { countedBackups, type NeedingPoint } from '../../../../src/domain/trees/needed-points.js';
import { windowIds } from '../../../../src/domain/trees/recovery-window.js';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 28);
const rules = { logsBeforeFullMs: 15 * 60_000 };

function point(id: string, createdAtMs: number, more: Partial<NeedingPoint> = {}): NeedingPoint {
  return { ...{ id, createdAtMs, kind: 'full', needs: [], files: [id] }, ...more };
}

/** Fulls, and a log each so many hours since the oldest. */
function site(fulls: readonly NeedingPoint[], hours: number): NeedingPoint[] {
  const points = [...fulls];
  for (let atMs = fulls[0]!.createdAtMs + HOUR; atMs < NOW; atMs += hours * HOUR)
    points.push(point(`log of ${atMs}`, atMs, { kind: 'log', needs: [fulls[0]!.id] }));
  return points.sort((a, b) => a.createdAtMs - b.createdAtMs);
}

function baseOf(points: readonly NeedingPoint[], sinceMs: number): string | undefined {
  const ids = windowIds(points, countedBackups(points), sinceMs, rules);
  return points.find(({ id }) => ids.has(id))?.id;
}

it.each([
  ['that runs for 30 hours', 27],
  ['of 20 hours, named in UTC-8', 25],
])('a full %s and ends within the window is not what it begins with', (_, hours) => {
  const sinceMs = NOW - 7 * DAY;
  const full = (weeks: number) =>
    point(`F${weeks}`, sinceMs - hours * HOUR + (weeks - 2) * 7 * DAY);
  const points = site([1, 2, 3].map(full), 12);
  expect(baseOf(points, sinceMs)).toBe('F1');
  // Once it had four days it is.
  expect(baseOf(points, sinceMs + 3 * DAY)).toBe('F2');
});

it('a backup of a part of the database is not what a window begins with', () => {
  const part = point('part', NOW - 20 * DAY, { needs: ['F1'] });
  const points = site([point('F1', NOW - 30 * DAY), part, point('F2', NOW - 5 * DAY)], 12);
  expect(baseOf(points, NOW - 14 * DAY)).toBe('F1');
  // Where a log ends at a backup by itself, a full may need others.
  const ids = windowIds(points, countedBackups(points), NOW - 14 * DAY, {});
  expect([ids.has('part'), ids.has('F1')]).toEqual([true, false]);
});

it('of each log only the backups are looked at until one fits', () => {
  let asked = 0;
  const mayBeOfOneDatabase = () => ++asked > 0;
  const fulls = Array.from({ length: 30 }, (_, day) => point(`F${day}`, NOW - (30 - day) * DAY));
  const points = site(fulls, 0.25);
  windowIds(points, countedBackups(points), NOW - 14 * DAY, { ...rules, mayBeOfOneDatabase });
  // Beside them each full is held against each.
  expect(asked).toBeLessThan(3 * points.length + fulls.length ** 2);
});
