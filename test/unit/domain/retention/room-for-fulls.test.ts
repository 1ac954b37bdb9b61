import { describe, expect, it } from 'vitest';
import type { RetentionAction } from '../../../../src/domain/retention/retention.js';
import { deletionsBeforeFulls } from '../../../../src/domain/retention/room-for-fulls.js';

/** `a1` is a full, `a2` builds on it, and so on; `b1` begins the next chain. */
const POINTS = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1', 'c2', 'c3'].map((id) => {
  const number = Number(id[1]);
  return { id, parentId: number === 1 ? null : `${id[0]}${number - 1}` };
});
const full = (restorePointId: string, synthesize = true) => ({
  ...{ restorePointId, flags: ['weekly'] as const, synthesize, reason: 'weekly full' },
});
const deletion = (...ids: string[]): RetentionAction => ({
  ...{ type: 'delete', ids, chainId: `${ids[0]![0]}1` },
});
const A = deletion('a3', 'a2', 'a1');
const B = deletion('b2', 'b1');

describe('deletions on a target without room for a full', () => {
  it.each<[string, { fulls: string[]; actions: RetentionAction[]; first: RetentionAction[] }]>([
    [
      'go first where the full is of another chain',
      { fulls: ['c2'], actions: [A, B], first: [A, B] },
    ],
    ['wait where they take the full itself', { fulls: ['b2'], actions: [A, B], first: [A] }],
    [
      'wait where they take what it is built from',
      { fulls: ['c3'], actions: [deletion('c1')], first: [] },
    ],
    [
      'wait where they take what is below what it builds on',
      { fulls: ['c3'], actions: [deletion('c2', 'c1')], first: [] },
    ],
    [
      'of what builds on the full go first',
      { fulls: ['c1'], actions: [deletion('c3', 'c2')], first: [deletion('c3', 'c2')] },
    ],
    [
      'that a synthetic full of retention makes possible wait for it',
      {
        fulls: ['c2'],
        actions: [{ type: 'synthetic', restorePointId: 'a3' }, deletion('a2', 'a1'), B],
        first: [B],
      },
    ],
    [
      'come without the merges of the plan',
      {
        fulls: ['c2'],
        actions: [{ type: 'merge', fullId: 'a1', incrementId: 'a2' }, B],
        first: [B],
      },
    ],
  ])('%s', (_what, { fulls, actions, first }) => {
    const plan = { fulls: fulls.map((id) => full(id)), actions };
    expect(deletionsBeforeFulls(POINTS, plan)).toEqual(first);
  });
});
