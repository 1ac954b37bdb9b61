import { describe, expect, it } from 'vitest';
import type { PointFault } from '../../../../src/layout/point-fault.js';
import { settleChains, type DraftPoint } from '../../../../src/layout/images/settle-chains.js';

const STAMP = { sizeBytes: 1, modifiedAtNs: '0', changedAtNs: '0', inode: '1' };

function draft(
  id: string,
  parentId: string | null,
  createdAtMs: number,
  { disks = ['vda'], faults = [] }: { disks?: string[]; faults?: PointFault[] } = {},
): DraftPoint {
  const kind = parentId === null ? 'full' : 'increment';
  return {
    id,
    workloadId: 'w',
    createdAtMs,
    kind,
    parentId,
    disks: disks.map((disk) => ({
      disk,
      path: `${disk}.${id}`,
      format: 'qcow2',
      kind,
      parentRestorePointId: parentId,
      stamp: STAMP,
    })),
    companions: [],
    faults,
  };
}

describe('settleChains', () => {
  it('breaks an increment of a disk that its parent does not hold', () => {
    const [, child] = settleChains([
      draft('full', null, 1),
      draft('child', 'full', 2, { disks: ['vda', 'vdb'] }),
    ]);
    expect(child).toMatchObject({ state: 'broken', reason: 'its parent full holds no disk vdb' });
  });

  it('names two points that share an id, instead of dropping one, and breaks what builds on either', () => {
    const day = (number: number) => Date.UTC(2026, 0, number);
    const points = settleChains([
      draft('a', null, day(1)),
      draft('a', null, day(2)),
      draft('b', 'a', day(3)),
      draft('c', null, day(4)),
    ]);
    const reason = 'it shares the id a with another restore point';
    expect(
      points.map(({ id, createdAtMs, state, reason }) => [id, createdAtMs, state, reason]),
    ).toEqual([
      ['a', day(1), 'broken', reason],
      ['a (2)', day(2), 'broken', reason],
      ['b', day(3), 'broken', `it builds on a, which is broken: ${reason}`],
      ['c', day(4), 'complete', null],
    ]);
  });

  it('names the point at fault, once, in every point that builds on it', () => {
    const fault: PointFault = { state: 'unknown', reason: 'cannot be read' };
    const points = settleChains([
      draft('d', 'c', 4),
      draft('c', 'b', 3),
      draft('b', 'a', 2, { faults: [fault] }),
      draft('a', null, 1),
    ]);
    expect(points.map(({ id, state, reason }) => [id, state, reason])).toEqual([
      ['a', 'complete', null],
      ['b', 'unknown', 'cannot be read'],
      ['c', 'unknown', 'it builds on b, which is unknown: cannot be read'],
      ['d', 'unknown', 'it builds on b, which is unknown: cannot be read'],
    ]);
  });

  it('reports the gravest of several faults', () => {
    const faults: PointFault[] = [
      { state: 'incomplete', reason: 'one' },
      { state: 'broken', reason: 'two' },
      { state: 'unknown', reason: 'three' },
    ];
    expect(settleChains([draft('a', null, 1, { faults })])[0]).toMatchObject({
      state: 'broken',
      reason: 'two',
    });
  });

  it('breaks a point whose files would leave the tree of its tool, or meet in it', () => {
    const [{ disks, ...rest }] = [draft('a', null, 1, { disks: ['c', 'd'] })];
    const named = (...names: string[]) =>
      settleChains([{ ...rest, disks: disks.map((disk, i) => ({ ...disk, as: names[i]! })) }])[0];
    expect(named('h/c.vhdx', 'h/d.vhdx')).toMatchObject({ state: 'complete', reason: null });
    expect(named('h/c.vhdx', '../d.vhdx')).toMatchObject({
      state: 'broken',
      reason: 'the name "../d.vhdx" has the part ".."',
    });
    expect(named('h/c.vhdx', 'H/C.vhdx')?.state).toBe('broken');
  });

  it('keeps the dates and puts a child behind its parent when the clock was put back between them', () => {
    const points = settleChains([draft('child', 'full', 1_000), draft('full', null, 3_600_000)]);
    expect(points.map(({ id, createdAtMs }) => [id, createdAtMs])).toEqual([
      ['full', 3_600_000],
      ['child', 1_000],
    ]);
  });

  it('breaks a point that is its own parent', () => {
    expect(settleChains([draft('a', 'a', 1)])[0]).toMatchObject({
      state: 'broken',
      reason: 'its parent a runs in a circle',
    });
  });

  it('settles a chain of a hundred thousand increments', () => {
    const drafts = Array.from({ length: 100_000 }, (_, i) =>
      draft(`p${i}`, i === 0 ? null : `p${i - 1}`, i),
    );
    const points = settleChains(drafts.reverse());
    expect(points).toHaveLength(100_000);
    expect(points.every(({ state }) => state === 'complete')).toBe(true);
    expect(points[99_999]?.id).toBe('p99999');
  });
});
