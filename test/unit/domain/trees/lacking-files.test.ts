import { describe, expect, it } from 'vitest';
import {
  heldBack,
  joinLacking,
  LackingList,
  NOTHING_LACKING,
  type Lacking,
} from '../../../../src/domain/trees/lacking-files.js';
import { wholeSets } from '../../../../src/domain/trees/set-points.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TreeRules } from '../../../../src/domain/trees/tree-rules.js';
import { borgLayout } from '../../../../src/layout/borg/borg.js';
import { datedTreeLayout } from '../../../../src/layout/dated-tree/dated-tree.js';
import { pbsLayout } from '../../../../src/layout/pbs/pbs.js';
import { resticLayout } from '../../../../src/layout/restic/restic.js';

const SETS = { shape: 'sets' } as const;

function point(id: string, ...files: string[]): TreePoint {
  return {
    ...{ id, createdAtMs: 1, kind: 'full', needs: [], files },
    ...{ state: 'complete', reason: null },
  };
}

function lackingOf(
  rules: Pick<TreeRules, 'shape' | 'pointOf'>,
  paths: readonly string[],
  points: readonly TreePoint[] = [],
): Lacking {
  const list = new LackingList(rules, points);
  for (const path of paths) list.add({ path, reason: 'denied' });
  return list.lacking;
}

/** Whether files of a later class wait. */
function waits(
  rules: Pick<TreeRules, 'shape' | 'pointOf'>,
  lost: readonly string[],
  later: readonly string[],
  points: readonly TreePoint[] = [],
): boolean[] {
  const earlier = lackingOf(rules, lost, points);
  const by = { earlier, own: NOTHING_LACKING, inSequence: false };
  return later.map(heldBack(by, rules, points));
}

const SHA = 'a'.repeat(64);

describe('files of later classes', () => {
  it.each([
    ['a pack of restic', resticLayout, [`data/aa/${SHA}`], [`index/${SHA}`, `snapshots/${SHA}`]],
    ['an index of restic', resticLayout, [`index/${SHA}`], [`snapshots/${SHA}`]],
    ['the folder of the index of restic', resticLayout, ['index/'], [`snapshots/${SHA}`]],
    ['a segment of borg', borgLayout, ['data/0/7'], ['hints.8', 'index.8', 'nonce']],
    [
      'a chunk of a datastore',
      pbsLayout,
      [`.chunks/aaaa/${SHA}`],
      ['vm/1/2026-11-24T22:00:00Z/a.fidx'],
    ],
  ])('wait for %s', (_, { rules }, lost, later) => {
    expect(waits(rules, lost, later)).toEqual(later.map(() => true));
  });

  it('wait for an index of a datastore in its own snapshot alone', () => {
    const [one, other] = ['vm/1/2026-11-24T22:00:00Z', 'vm/1/2026-11-25T22:00:00Z'];
    expect(
      waits(
        pbsLayout.rules,
        [`${one}/a.fidx`],
        [`${one}/index.json.blob`, `${other}/index.json.blob`],
      ),
    ).toEqual([true, false]);
  });

  it('do not wait for a file of one date of a dated tree', () => {
    expect(waits(datedTreeLayout.rules, ['2026-11-20/a'], ['backup.marker'])).toEqual([false]);
  });

  it('of sets wait when all points that have them lack something', () => {
    const points = [point('1', 'a', 'm1', 'both'), point('2', 'b', 'm2', 'both')];
    expect(waits(SETS, ['a'], ['m1', 'm2', 'both'], points)).toEqual([true, false, false]);
  });

  it('of nothing that is lacking do not wait', () => {
    expect(waits(resticLayout.rules, [], [`index/${SHA}`])).toEqual([false]);
  });
});

it.each([
  ['data/0/9', [false, true, true, true]],
  ['data/1/', [false, false, false, true]],
])('in a sequence all behind %s wait, by number', (lost, expected) => {
  const own = lackingOf(borgLayout.rules, [lost, 'data/2/1']);
  const isHeld = heldBack(
    { earlier: NOTHING_LACKING, own, inSequence: true },
    borgLayout.rules,
    [],
  );
  expect(['data/0/8', 'data/0/9', 'data/0/10', 'data/1/1000'].map(isHeld)).toEqual(expected);
});

it('is counted exactly, with the first of many as examples', () => {
  const many = Array.from({ length: 30_000 }, (_, index) => `2026-11-20/${index}`);
  const lacking = joinLacking([
    lackingOf(datedTreeLayout.rules, many),
    lackingOf(datedTreeLayout.rules, ['2026-11-20/more']),
  ]);
  expect(lacking.points).toHaveLength(1);
  const [{ id, faults }] = lacking.points as [Lacking['points'][number]];
  expect({ id, count: faults.count, examples: faults.examples.length }).toEqual({
    ...{ id: '2026-11-20', count: 30_001, examples: 20 },
  });
});

it('a new point of sets is not whole when the copy has an older content of a file that could not be read', () => {
  const points = [point('1', 'x.bak'), point('2', 'x.bak')];
  const whole = wholeSets(points, new Set(['1']), () => true, lackingOf(SETS, ['x.bak'], points));
  expect(whole.points.map(({ id }) => id)).toEqual(['1']);
  expect(whole.leftOut).toEqual([
    'restore point 2 is not in the copy: one of its files was not copied (x.bak)',
  ]);
});
