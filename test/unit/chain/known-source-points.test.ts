import { expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import {
  forgettablePoints,
  withKnownSourcePoints,
} from '../../../src/chain/known-source-points.js';
import type { KnownSourcePoint } from '../../../src/domain/targets/target-point.js';

const HOUR_MS = 3_600_000;

/** Hourly points of a source, oldest first. */
function hourly(first: number, count: number, repositoryId = 'primary'): KnownSourcePoint[] {
  return Array.from({ length: count }, (_, index) => ({
    repositoryId,
    restorePointId: `point-${first + index}`,
    createdAt: new Date((first + index) * HOUR_MS).toISOString(),
  }));
}

const recordOf = (knownSourcePoints: readonly KnownSourcePoint[]) =>
  ({ points: [], knownSourcePoints }) as unknown as ChainRecord;
const shown = (points: readonly KnownSourcePoint[]) =>
  points.map(({ restorePointId, createdAt }) => ({
    id: restorePointId,
    createdAtMs: Date.parse(createdAt),
  }));

it('remembers every point that was dealt with and that the source still shows, however many they are', () => {
  const known = hourly(0, 6_000);
  expect(forgettablePoints(recordOf(known), 'primary', shown(known))).toEqual([]);
  const more = hourly(6_000, 10);
  expect(withKnownSourcePoints(recordOf(known), more).knownSourcePoints).toHaveLength(6_010);
});

it('forgets the oldest of those that the source does not show any more when there are more than 4,000 of them', () => {
  const [gone, kept] = [hourly(0, 4_100), hourly(4_100, 900)];
  const elsewhere = hourly(0, 100, 'secondary');
  const record = recordOf([...elsewhere, ...gone, ...kept]);
  const forgotten = forgettablePoints(record, 'primary', shown(kept));
  expect(forgotten).toEqual(gone.slice(0, 100));
  const [newest] = hourly(5_000, 1);
  expect(withKnownSourcePoints(record, [newest!], forgotten).knownSourcePoints).toEqual([
    ...elsewhere,
    ...gone.slice(100),
    ...kept,
    newest,
  ]);
});
