import { describe, expect, it } from 'vitest';
import type {
  RestorePointSelection,
  SelectionInput,
} from '../../../../src/domain/sources/select-restore-points.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import { disk, select, sourcePoint, targetChain } from '../retention/chain-builder.js';

const same = (day: string): Partial<IdentifiedPoint> => ({
  identity: { is: 'copied', copiedId: `${day}T22:00:00Z` },
});

/** Full of the 20th and an increment on it each day after. */
const FULL = sourcePoint('2026-11-20', null);
const INC21 = sourcePoint('2026-11-21', '2026-11-20');
const INC22 = sourcePoint('2026-11-22', '2026-11-21');
const INC23 = sourcePoint('2026-11-23', '2026-11-22');
/** The 20th and 21st as they look once they are copied. */
const COPIED20 = { ...FULL, ...same('2026-11-20') };
const COPIED21 = { ...INC21, ...same('2026-11-21') };

/** Copied before its backup was finished. */
const GROWN21: IdentifiedPoint = {
  ...INC21,
  identity: { is: 'grown', copiedId: '2026-11-21T22:00:00Z', reason: 'it has a disk more' },
};

/** What a layout says of a point whose file or parent is lost. */
const broken = (point: IdentifiedPoint, reason: string): IdentifiedPoint =>
  unreadable(point, 'broken', reason);
const unknown = (point: IdentifiedPoint, reason: string | null): IdentifiedPoint =>
  unreadable(point, 'unknown', reason);
const incomplete = (point: IdentifiedPoint): IdentifiedPoint =>
  unreadable(point, 'incomplete', 'no XML file yet');

const CUT_SINCE = { is: 'unreadable', copiedId: '2026-11-20T22:00:00Z' } as const;

function unreadable(
  point: IdentifiedPoint,
  state: IdentifiedPoint['state'],
  reason: string | null,
): IdentifiedPoint {
  const { identity } = point;
  const copiedId = identity.is === 'copied' ? identity.copiedId : null;
  return { ...point, state, reason, identity: { is: 'unreadable', copiedId } };
}

const brief = ({ points }: RestorePointSelection): string[] =>
  points.map((point) =>
    [point.restorePointId, point.kind, point.changedBy, point.lineageFrom ?? '-'].join(' '),
  );
const IMMEDIATE = { job: { mode: 'immediate', restorePoints: 'latest', gfs: null } } as const;
const ALL = { job: { mode: 'periodic', restorePoints: 'all', gfs: null } } as const;

describe('restore points of a session', () => {
  it.each<[string, IdentifiedPoint[], string[], Partial<SelectionInput>, string[]]>([
    ['first run, periodic: the newest', [FULL, INC21, INC22], [], {}, ['2026-11-22 full all -']],
    [
      'first run, immediate: the newest',
      [FULL, INC21, INC22],
      [],
      IMMEDIATE,
      ['2026-11-22 full all -'],
    ],
    [
      'first run with scope all: every one, oldest first',
      [FULL, INC21, INC22],
      [],
      ALL,
      [
        '2026-11-20 full all -',
        '2026-11-21 increment lineage 2026-11-20',
        '2026-11-22 increment lineage 2026-11-21',
      ],
    ],
    [
      'later, periodic: the newest, with the blocks of all increments between',
      [COPIED20, COPIED21, INC22, INC23],
      ['2026-11-20', '2026-11-21'],
      {},
      ['2026-11-23 increment lineage 2026-11-21'],
    ],
    [
      'later, immediate: every newer one, oldest first',
      [COPIED20, COPIED21, INC22, INC23],
      ['2026-11-20', '2026-11-21'],
      IMMEDIATE,
      ['2026-11-22 increment lineage 2026-11-21', '2026-11-23 increment lineage 2026-11-22'],
    ],
    [
      'a source full after what was copied is compared by digest, and stays an increment',
      [COPIED20, COPIED21, sourcePoint('2026-11-22', null), INC23],
      ['2026-11-20', '2026-11-21'],
      IMMEDIATE,
      ['2026-11-22 increment digest -', '2026-11-23 increment lineage 2026-11-22'],
    ],
    [
      'an older point that was passed over is not fetched afterwards',
      [{ ...FULL, identity: { is: 'known' } }, COPIED21, INC22],
      ['2026-11-21'],
      ALL,
      ['2026-11-22 increment lineage 2026-11-21'],
    ],
    [
      'an active full takes the first point whole',
      [COPIED20, COPIED21, INC22, INC23],
      ['2026-11-20', '2026-11-21'],
      { ...IMMEDIATE, activeFull: true },
      ['2026-11-22 full all -', '2026-11-23 increment lineage 2026-11-22'],
    ],
    [
      'the newest copied one is gone from the source: digest',
      [COPIED20, sourcePoint('2026-11-22', '2026-11-20')],
      ['2026-11-20', '2026-11-21'],
      {},
      ['2026-11-22 increment digest -'],
    ],
    [
      'an older point that nobody knows is copied: dates may be wrong',
      [FULL, COPIED21, INC22],
      ['2026-11-21'],
      ALL,
      ['2026-11-20 increment digest -', '2026-11-22 increment lineage 2026-11-20'],
    ],
    [
      'a point that has grown is copied again before the newest one',
      [COPIED20, GROWN21, INC22, INC23],
      ['2026-11-20', '2026-11-21'],
      {},
      ['2026-11-21 full all -', '2026-11-23 increment lineage 2026-11-21'],
    ],
    [
      'a recreated chain begins a new one from blocks that the target holds',
      [sourcePoint('2026-11-23', null), sourcePoint('2026-11-24', '2026-11-23')],
      ['2026-11-20', '2026-11-21'],
      {},
      ['2026-11-24 full digest -'],
    ],
  ])('%s', (_, current, copied, change, expected) => {
    const selection = select(current, copied, change);
    expect(brief(selection)).toEqual(expected);
    expect(selection.reason).toBeNull();
  });

  it.each<[number, Partial<SelectionInput>, string[]]>([
    [1, {}, ['2026-11-23 full all -']],
    [1, IMMEDIATE, ['2026-11-22 full all -', '2026-11-23 increment lineage 2026-11-22']],
    [0, {}, ['2026-11-23 increment lineage 2026-11-21']],
  ])('builds nothing on a damaged newest copy: %i of two, %j', (at, job, expected) => {
    const days = ['2026-11-20', '2026-11-21'];
    const damaged = { ...targetChain(days)[at]!, health: 'corrupt' as const };
    const copied = targetChain(days).with(at, damaged);
    const current = [COPIED20, COPIED21, INC22, INC23];
    expect(brief(select(current, days, { ...job, copied }))).toEqual(expected);
  });

  it('goes by digest when one of the disks has a full in between, or is new', () => {
    const copied = { ...COPIED20, disks: [disk('vda', null), disk('vdb', null)] };
    const twoDisks = (vdb: string | null) =>
      sourcePoint('2026-11-21', '2026-11-20', {
        disks: [disk('vda', '2026-11-20'), disk('vdb', vdb)],
      });
    const days = ['2026-11-20'];
    expect(brief(select([copied, twoDisks('2026-11-20')], days))).toEqual([
      '2026-11-21 increment lineage 2026-11-20',
    ]);
    expect(brief(select([copied, twoDisks(null)], days))).toEqual([
      '2026-11-21 increment digest -',
    ]);
    expect(brief(select([COPIED20, twoDisks('2026-11-20')], days))).toEqual([
      '2026-11-21 increment digest -',
    ]);
  });

  it('goes by digest when a point in between is not whole', () => {
    expect(brief(select([COPIED20, broken(INC21, 'cut off'), INC22], ['2026-11-20']))).toEqual([
      '2026-11-22 increment digest -',
    ]);
  });

  it('goes by digest when parents form a loop', () => {
    const loop = [sourcePoint('2026-11-21', '2026-11-22'), sourcePoint('2026-11-22', '2026-11-21')];
    expect(brief(select([COPIED20, ...loop], ['2026-11-20']))).toEqual([
      '2026-11-22 increment digest -',
    ]);
  });

  it('takes the newest complete one and says why not the newest', () => {
    const newest = broken(INC23, 'vdb.qcow2 is missing');
    const selection = select([COPIED20, COPIED21, INC22, newest], ['2026-11-20', '2026-11-21']);
    expect(brief(selection)).toEqual(['2026-11-22 increment lineage 2026-11-21']);
    expect(selection.points[0]?.reason).toContain(
      'the newest restore point, 2026-11-23 22:00 UTC, is broken (vdb.qcow2 is missing)',
    );
    expect(selection.skipped).toEqual([
      { restorePointId: '2026-11-23', reason: 'broken (vdb.qcow2 is missing)' },
    ]);
  });

  it('lists points between as skipped in a periodic job', () => {
    expect(select([COPIED20, INC21, INC22], ['2026-11-20']).skipped).toEqual([
      { restorePointId: '2026-11-21', reason: 'only the newest one is copied' },
    ]);
  });

  it.each<[string, IdentifiedPoint[], string[], Partial<SelectionInput>, string]>([
    [
      'all is copied',
      [COPIED20, COPIED21],
      ['2026-11-20', '2026-11-21'],
      {},
      'newest restore point 2026-11-21 22:00 UTC is copied already',
    ],
    [
      'an active full has nothing new to take',
      [COPIED20],
      ['2026-11-20'],
      { activeFull: true },
      'newest restore point 2026-11-20 22:00 UTC is copied already; an active full needs a restore point that is not copied yet',
    ],
    [
      'the only newer one is still being written',
      [COPIED20, incomplete(INC21)],
      ['2026-11-20'],
      IMMEDIATE,
      'newest restore point 2026-11-21 22:00 UTC is incomplete (no XML file yet); no complete one is newer than 2026-11-20 22:00 UTC, which is copied already',
    ],
    [
      'the one file that is written over was written to since, and cannot be read',
      [
        {
          ...unknown(FULL, null),
          id: 'undated',
          createdAtMs: INC21.createdAtMs,
          identity: CUT_SINCE,
        },
      ],
      ['2026-11-20'],
      {},
      'newest restore point 2026-11-21 22:00 UTC is not readable just now; no complete one is newer than 2026-11-20 22:00 UTC, which is copied already',
    ],
    [
      'what cannot be read any more is as old as its copy',
      [{ ...unknown(FULL, null), id: 'undated', identity: CUT_SINCE }],
      ['2026-11-20'],
      {},
      'newest restore point 2026-11-20 22:00 UTC is copied already',
    ],
    [
      'the first run finds no complete one',
      [unknown(FULL, null)],
      [],
      {},
      'newest restore point 2026-11-20 22:00 UTC is not readable just now; no complete one is there',
    ],
    [
      'the source is empty',
      [],
      ['2026-11-20'],
      {},
      'the source holds no restore points of this workload',
    ],
    [
      'the source is the target',
      [FULL],
      [],
      { sourceRepositoryId: 'offsite' },
      'the restore points lie on the target repository itself',
    ],
    [
      'it cannot be told whether the chain was recreated',
      [unknown(sourcePoint('x', null), null), sourcePoint('2026-11-24', null)],
      ['2026-11-20'],
      {},
      'some restore points of the source cannot be read just now, so it cannot be told whether its chain is still the one that was copied',
    ],
  ])('selects nothing and says why: %s', (_, current, copied, change, reason) => {
    const selection = select(current, copied, change);
    expect(selection.points).toEqual([]);
    expect(selection.reason).toBe(reason);
  });
});

describe('a newest restore point that cannot be used', () => {
  const COPIED = ['2026-11-20', '2026-11-21'];
  const LOST = 'vda.qcow2 is missing';

  it.each<[string, IdentifiedPoint[], string[], 'broken' | 'unknown', string, string[]]>([
    [
      'broken, behind a good one that is copied',
      [COPIED20, COPIED21, INC22, broken(INC23, LOST)],
      COPIED,
      'broken',
      'the newest restore point, 2026-11-23 22:00 UTC, is broken (vda.qcow2 is missing)',
      ['2026-11-22'],
    ],
    [
      'broken, and nothing else is new',
      [COPIED20, COPIED21, broken(INC22, LOST)],
      COPIED,
      'broken',
      'the newest restore point, 2026-11-22 22:00 UTC, is broken (vda.qcow2 is missing)',
      [],
    ],
    [
      'not readable, for a reason that is known',
      [COPIED20, COPIED21, unknown(INC22, 'permission denied')],
      COPIED,
      'unknown',
      'the newest restore point, 2026-11-22 22:00 UTC, is not readable just now (permission denied)',
      [],
    ],
    [
      'not readable, for no reason that is known',
      [COPIED20, COPIED21, INC22, unknown(INC23, null)],
      COPIED,
      'unknown',
      'the newest restore point, 2026-11-23 22:00 UTC, is not readable just now',
      ['2026-11-22'],
    ],
    [
      'broken on a first run, behind a good one',
      [FULL, INC21, broken(INC22, LOST)],
      [],
      'broken',
      'the newest restore point, 2026-11-22 22:00 UTC, is broken (vda.qcow2 is missing)',
      ['2026-11-21'],
    ],
    [
      'broken on a first run, and the only one',
      [broken(FULL, LOST)],
      [],
      'broken',
      'the newest restore point, 2026-11-20 22:00 UTC, is broken (vda.qcow2 is missing)',
      [],
    ],
    [
      'broken in a recreated chain, behind its good full',
      [sourcePoint('2026-11-23', null), broken(sourcePoint('2026-11-24', '2026-11-23'), LOST)],
      COPIED,
      'broken',
      'the newest restore point, 2026-11-24 22:00 UTC, is broken (vda.qcow2 is missing)',
      ['2026-11-23'],
    ],
  ])('is named with its reason: %s', (_, current, copied, state, reason, selected) => {
    const selection = select(current, copied);
    expect(selection.unusable).toEqual({ state, reason });
    expect(selection.points.map((point) => point.restorePointId)).toEqual(selected);
  });

  it.each<[string, Partial<SelectionInput>]>([
    ['periodic', {}],
    ['immediate', IMMEDIATE],
    ['with scope all', ALL],
  ])('takes along what is broken because it builds on it: %s', (_, change) => {
    const parentLost = 'its parent 2026-11-22 is broken';
    const selection = select(
      [COPIED20, COPIED21, broken(INC22, LOST), broken(INC23, parentLost)],
      COPIED,
      change,
    );
    expect(selection.points).toEqual([]);
    expect(selection.unusable).toEqual({
      state: 'broken',
      reason:
        'the newest restore point, 2026-11-23 22:00 UTC, is broken (its parent 2026-11-22 is broken)',
    });
    const reason = 'broken (its parent 2026-11-22 is broken); so was 2026-11-22';
    expect(selection.skipped).toEqual([{ restorePointId: '2026-11-23', reason }]);
  });

  it('is told of a point that its tool has left something out of, also when it is copied', () => {
    const leftOut = 'its tool has left out the disk "b.vmdk"';
    const lacking = `restore point 2026-11-21 is not known to be all of the machine: ${leftOut}`;
    expect(select([COPIED20, { ...INC21, leftOut }], ['2026-11-20'])).toMatchObject({ lacking });
    const copied = [COPIED20, { ...COPIED21, leftOut }, broken(INC22, LOST)];
    expect(select(copied, COPIED)).toMatchObject({ points: [], lacking });
    expect(select([{ ...COPIED20, leftOut }, COPIED21], COPIED)).not.toHaveProperty('lacking');
  });

  it('is none when a whole one follows a broken one, which is passed over and not built on', () => {
    const selection = select([COPIED20, COPIED21, broken(INC22, LOST), INC23], COPIED, IMMEDIATE);
    expect(selection.unusable).toBeNull();
    expect(brief(selection)).toEqual(['2026-11-23 increment digest -']);
    expect(selection.skipped).toEqual([
      { restorePointId: '2026-11-22', reason: 'broken (vda.qcow2 is missing)' },
    ]);
  });

  it.each<[string, IdentifiedPoint[], string[], Partial<SelectionInput>]>([
    ['it is copied', [COPIED20, COPIED21], COPIED, {}],
    ['a good one is about to be copied', [COPIED20, COPIED21, INC22], COPIED, {}],
    [
      'it is still being written, even over a broken one',
      [COPIED20, COPIED21, broken(INC22, LOST), incomplete(INC23)],
      COPIED,
      {},
    ],
    ['it broke after it was copied', [COPIED20, broken(COPIED21, 'cut off')], COPIED, {}],
    ['the source is empty', [], COPIED, {}],
    ['the source is the target', [broken(FULL, LOST)], [], { sourceRepositoryId: 'offsite' }],
  ])('is none when %s', (_, current, copied, change) => {
    expect(select(current, copied, change).unusable).toBeNull();
  });

  it('stands for all points of a source of which too little can be read to know its chain', () => {
    const reason =
      'some restore points of the source cannot be read just now, so it cannot be told whether its chain is still the one that was copied';
    const current = [unknown(sourcePoint('x', null), null), sourcePoint('2026-11-24', null)];
    expect(select(current, ['2026-11-20'])).toEqual({
      points: [],
      skipped: [],
      reason,
      unusable: { state: 'unknown', reason },
      awaited: [],
    });
  });
});
