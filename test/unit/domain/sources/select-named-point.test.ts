import { expect, it } from 'vitest';
import { select, sourcePoint } from '../retention/chain-builder.js';

const FULL = sourcePoint('2026-11-23', null);
const named = '2026-11-24';

it.each([
  ['incomplete', null],
  ['broken', { state: 'broken' }],
] as const)('copies nothing in the place of a named point that is %s', (state, unusable) => {
  const point = sourcePoint(named, FULL.id, { state, reason: 'a file is missing' });
  const selection = select([FULL, point], [], { named });
  expect(selection.points).toEqual([]);
  expect(selection.reason).toBe(
    `restore point 2026-11-24, 2026-11-24 22:00 UTC, is ${state} (a file is missing)`,
  );
  if (unusable === null) expect(selection.unusable).toBeNull();
  else expect(selection.unusable).toMatchObject(unusable);
});

it('awaits a named point that is in progress, and nothing that it builds on', () => {
  const point = sourcePoint(named, FULL.id, { state: 'inProgress', reason: 'it is written' });
  const awaited = [FULL.id, named].map((restorePointId) => ({
    ...{ restorePointId, reason: 'it is written', lookAgainAtMs: 0, seen: null },
  }));
  const selection = select([FULL, point], [], { named, awaited });
  expect(selection.points).toEqual([]);
  expect(selection.awaited.map(({ restorePointId }) => restorePointId)).toEqual([named]);
});

it('copies a named point as a full, without what it builds on', () => {
  const selection = select([FULL, sourcePoint(named, FULL.id)], [], { named });
  expect(selection.points).toMatchObject([{ restorePointId: named, kind: 'full' }]);
  expect(selection.skipped).toEqual([]);
});
