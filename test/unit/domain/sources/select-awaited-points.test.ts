import { describe, expect, it } from 'vitest';
import type { AwaitedPoint } from '../../../../src/domain/sources/settle.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import { select, sourcePoint } from '../retention/chain-builder.js';

/** The 20th as it looks once it is copied. */
const COPIED20 = sourcePoint('2026-11-20', null, {
  identity: { is: 'copied', copiedId: '2026-11-20T22:00:00Z' },
});

describe('a restore point in progress', () => {
  const inProgress = (point: IdentifiedPoint): IdentifiedPoint => ({
    ...point,
    state: 'inProgress',
    reason: 'nothing says that it is whole',
    identity: {
      is: 'unreadable',
      copiedId: point.identity.is === 'copied' ? point.identity.copiedId : null,
    },
  });
  const awaited = (restorePointId: string): AwaitedPoint => ({
    restorePointId,
    reason: 'nothing says that it is whole',
    lookAgainAtMs: Date.parse('2026-11-24T22:01:00Z'),
    seen: null,
  });

  it('is passed over and awaited', () => {
    const current = [COPIED20, inProgress(sourcePoint('2026-11-24', null))];
    const selection = select(current, ['2026-11-20'], {
      awaited: [awaited('2026-11-24')],
    });
    expect(selection).toMatchObject({
      points: [],
      reason:
        'newest restore point 2026-11-24 22:00 UTC is in progress (nothing says that it is whole); no complete one is newer than 2026-11-20 22:00 UTC, which is copied already',
      unusable: null,
      awaited: [awaited('2026-11-24')],
    });
  });

  it('lets an older one be copied meanwhile', () => {
    const current = [sourcePoint('2026-11-23', null), inProgress(sourcePoint('2026-11-24', null))];
    const selection = select(current, [], { awaited: [awaited('2026-11-24')] });
    expect(selection.points.map(({ restorePointId }) => restorePointId)).toEqual(['2026-11-23']);
    expect(selection.awaited).toEqual([awaited('2026-11-24')]);
  });

  it('is no sign of a recreated chain, though it is all that is there', () => {
    const selection = select([inProgress(sourcePoint('2026-11-24', null))], ['2026-11-20'], {
      awaited: [awaited('2026-11-24')],
    });
    expect(selection).toMatchObject({
      points: [],
      reason: 'restore points in progress are awaited: 2026-11-24 (nothing says that it is whole)',
      unusable: null,
      awaited: [awaited('2026-11-24')],
    });
  });
});
