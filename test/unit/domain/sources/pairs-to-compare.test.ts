import { expect, it } from 'vitest';
import { contradictionOf, pairsToCompare } from '../../../../src/domain/sources/one-workload.js';
import type { SourceRestorePoint } from '../../../../src/domain/sources/source-workload.js';

type Point = readonly [id: string, day: number, state?: 'incomplete'];

const share = (name: string, ...points: readonly Point[]) => ({
  ...{ name, folders: [name] },
  restorePoints: points.map(([id, day, state]): SourceRestorePoint => ({
    ...{ id, workloadId: 'web', createdAtMs: Date.UTC(2026, 0, day), kind: 'increment' },
    ...{ parentId: null, disks: [], companions: [], reason: null, fingerprint: null },
    state: state ?? 'complete',
  })),
});

it('compares no folders for each day with each other', () => {
  const days = Array.from({ length: 365 }, (_, day) => share(`${day}`, [`${day}`, day]));
  expect(pairsToCompare(days)).toEqual([]);
});

it('compares all folders that can contradict each other', () => {
  const shares = [
    ...[share('none'), share('broken', ['x', 5, 'incomplete']), share('late', ['l', 9], ['m', 20])],
    ...[
      share('early', ['a', 1], ['b', 8]),
      share('amid', ['c', 8], ['d', 9]),
      share('a', ['a', 30]),
    ],
    ...[share('same', ['e', 9]), share('day', ['f', 9]), share('again', ['m', 40])],
  ];
  const all = shares.flatMap((first, at) => shares.slice(at + 1).map((second) => [first, second]));
  const contradicting = all.filter(([first, second]) => contradictionOf(first!, second!) !== null);
  const compared = pairsToCompare(shares).map((pair) => pair.map(({ name }) => name).join(' '));
  expect(contradicting.length).toBeGreaterThan(0);
  expect(compared).toEqual(
    expect.arrayContaining(contradicting.map((pair) => pair.map(({ name }) => name).join(' '))),
  );
  expect(compared).toEqual([
    ...['late amid', 'late same', 'late day', 'late again', 'early amid', 'early a'],
    ...['amid same', 'amid day', 'same day'],
  ]);
});
