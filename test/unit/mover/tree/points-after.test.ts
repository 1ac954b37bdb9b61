import { beforeEach, describe, expect, it } from 'vitest';
import { NO_FAULTS } from '../../../../src/domain/trees/file-faults.js';
import { NOTHING_LACKING, type Lacking } from '../../../../src/domain/trees/lacking-files.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TargetTreePoint } from '../../../../src/domain/trees/target-tree.js';
import {
  pointsAfter,
  unfinishedOf,
  wholeOf,
} from '../../../../src/mover/tree/commit/points-after.js';
import type { TreePlan } from '../../../../src/mover/tree/tree-plan.js';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout, TOY_STORE_RULES } from '../../../support/tree/toy-trees.js';

const COPIED_AT = '2026-11-24T23:00:00.000Z';
const NOW_MS = Date.parse('2026-11-25T22:00:00Z');
const NOW = '2026-11-25T22:00:00.000Z';
const dayMs = (day: number) => Date.UTC(2026, 10, day, 22);

/** Stores of which a look knows all, some, or nothing of the files that a point needs. */
const STORES = {
  known: TOY_STORE_RULES,
  partial: { ...TOY_STORE_RULES, isPartial: true as const },
  opaque: { ...TOY_STORE_RULES, isOpaque: true as const },
};
type Store = keyof typeof STORES;

beforeEach(() => {
  const row = (name: Store) => ({ ...toyStoreLayout, name, rules: STORES[name] });
  makeTreesKnown(row('known'), row('partial'), row('opaque'));
});

function point(day: number, changes: Partial<TreePoint> = {}): TreePoint {
  return {
    ...{ id: `s${day}`, createdAtMs: dayMs(day), kind: 'snapshot', needs: [], files: null },
    ...{ state: 'complete', reason: null },
    ...changes,
  };
}

function copied(day: number, changes: Partial<TargetTreePoint> = {}): TargetTreePoint {
  const at = new Date(dayMs(day)).toISOString();
  return {
    ...{ id: `2026-11-${day}T220000Z`, createdAt: at, copiedAt: COPIED_AT, kind: 'snapshot' },
    ...{ needs: [], files: null, fileCount: 5, sizeBytes: 500, health: 'good' },
    ...{ verifiedAt: null, flags: ['weekly'] },
    source: { repositoryId: 'primary', restorePointId: `s${day}` },
    ...changes,
  };
}

/** Its index has seven files of 700 bytes. */
function recordOf(...points: TargetTreePoint[]): TreeRecord {
  const index = [
    { fileCount: 3, sizeBytes: 300 },
    { fileCount: 4, sizeBytes: 400 },
  ];
  return { points, index, changedAt: COPIED_AT } as unknown as TreeRecord;
}

function planOf(layout: Store, points: readonly TreePoint[], changes: Partial<TreePlan> = {}) {
  return {
    ...{ layout, points, shown: points.map(({ id }) => id), plannedAtMs: NOW_MS },
    ...{ sourceRepositoryId: 'primary', waitingCount: 0 },
    ...changes,
  } as unknown as TreePlan;
}

function after(record: TreeRecord, plan: TreePlan, lacking: Lacking = NOTHING_LACKING) {
  return pointsAfter(record, plan.points, {
    ...{ plan, nowMs: NOW_MS, bytesOf: () => 0, lacking },
  });
}

const FAULT = { count: 1, examples: [{ path: 'data/x', reason: 'EIO' }] };
const lacking = (changes: Partial<Lacking>): Lacking => ({
  ...{ ...NOTHING_LACKING, faults: { ...NO_FAULTS, ...FAULT } },
  ...changes,
});

describe('the points of a store after a session', () => {
  it('are those that it had, as they were, and the new ones with what the copy has by then', () => {
    const [old, fresh] = after(recordOf(copied(23)), planOf('known', [point(23), point(24)]));
    expect(old).toEqual(copied(23));
    expect(fresh).toMatchObject({
      ...{ id: '2026-11-24T220000Z', createdAt: '2026-11-24T22:00:00.000Z', copiedAt: NOW },
      ...{ fileCount: 7, sizeBytes: 700, health: 'good', verifiedAt: null, flags: [] },
      source: { repositoryId: 'primary', restorePointId: 's24' },
    });
    expect(Object.keys(fresh!)).not.toContain('ofPart');
    const part = point(24, { ofPart: 'one table', gap: 'logs are missing', sizeBytes: 9 });
    expect(after(recordOf(), planOf('known', [part]))).toMatchObject([
      { ofPart: 'one table', gap: 'logs are missing', sizeBytes: 9, fileCount: 7 },
    ]);
  });

  it('stay when the source shows them no more, with since when; that is told by a whole look alone', () => {
    const gone = planOf('known', [point(24)]);
    const [first] = after(recordOf(copied(23), copied(24)), gone);
    expect(first).toEqual({ ...copied(23), goneSince: NOW });
    const earlier = copied(23, { goneSince: COPIED_AT });
    expect(after(recordOf(earlier, copied(24)), gone)[0]).toEqual(earlier);
    // It is back.
    expect(after(recordOf(earlier), planOf('known', [point(23)]))).toEqual([copied(23)]);
    // Of points whose files nobody knows the last one alone is there.
    expect(after(recordOf(copied(23)), planOf('opaque', []))).toEqual([copied(23)]);
  });

  it('that have grown keep their names, flags and what is known to be wrong', () => {
    const grown = point(23, { sizeBytes: 900 });
    const before = copied(23, { health: 'corrupt' });
    expect(after(recordOf(before), planOf('known', [grown]))).toEqual([
      { ...before, copiedAt: NOW, fileCount: 7, sizeBytes: 900 },
    ]);
    expect(after(recordOf(copied(23)), planOf('known', [grown]))[0]).toMatchObject({
      health: 'good',
    });
  });

  it('of which files were lost on the way are unknown until a check', () => {
    const plan = planOf('known', [point(24)], { lostOfNewPoints: 1 });
    expect(after(recordOf(), plan)).toMatchObject([{ health: 'unknown' }]);
  });

  it('of whose files nothing is known follow one another: the next one takes the place of the last', () => {
    const next = planOf('opaque', [point(24)]);
    expect(after(recordOf(copied(23)), next).map(({ id }) => id)).toEqual(['2026-11-24T220000Z']);
    const corrupt = recordOf(copied(23, { health: 'corrupt' }));
    expect(after(corrupt, next)).toMatchObject([{ health: 'good' }]);
    const lost = planOf('opaque', [point(24)], { lostOfNewPoints: 2 });
    expect(after(corrupt, lost)).toMatchObject([{ health: 'corrupt' }]);
    expect(after(recordOf(copied(23)), lost)).toMatchObject([{ health: 'unknown' }]);
  });

  it('stand in the order of their dates, whichever came first', () => {
    const plan = planOf('known', [point(22), point(24), point(23)]);
    expect(after(recordOf(copied(23)), plan).map(({ id }) => id)).toEqual(
      [22, 23, 24].map((day) => `2026-11-${day}T220000Z`),
    );
  });

  it('of one moment have names of their own', () => {
    const log = (n: number) => point(24, { id: `l${n}` });
    const plan = planOf('known', [log(1), log(2), log(3)]);
    const taken = copied(24, { source: { repositoryId: 'primary', restorePointId: 'x' } });
    expect(after(recordOf(taken), plan).map(({ id }) => id)).toEqual(
      ['', '-2', '-3', '-4'].map((end) => `2026-11-24T220000Z${end}`),
    );
  });
});

describe('a point of a store', () => {
  const whole = (plan: TreePlan, lacks: Lacking, record = recordOf(copied(23))) => {
    const { points, leftOut } = wholeOf(record, plan, lacks, () => 0);
    return [points.map(({ id }) => id), leftOut];
  };
  const both = [point(23), point(24)];

  it('is whole where nothing is lacking', () => {
    expect(whole(planOf('known', both), NOTHING_LACKING)).toEqual([['s23', 's24'], []]);
  });

  it('that is new is left out while any file is lacking, or none was found; one that is there stays', () => {
    const [ids, texts] = whole(planOf('known', both), lacking({ any: true }));
    expect(ids).toEqual(['s23']);
    expect(texts).toMatchObject([
      expect.stringMatching(/s24.*1 file of the store could not be copied \(data\/x\)/),
    ]);
    const empty = { ...recordOf(), index: [] } as TreeRecord;
    const [none, why] = whole(planOf('known', both), NOTHING_LACKING, empty);
    expect(none).toEqual([]);
    expect(JSON.stringify(why)).toContain('no file of the store was found');
  });

  it('is left out alone where it is known to be the one that lacks something', () => {
    const three = [...both, point(25)];
    const ofOne = lacking({ points: [{ id: 's24', faults: NO_FAULTS, lacksFiles: true }] });
    expect(whole(planOf('known', three), ofOne)[0]).toEqual(['s23', 's25']);
    // These tell what they lack.
    expect(whole(planOf('partial', three), ofOne)[0]).toEqual(['s23', 's24', 's25']);
  });

  it('waits for files that were written to a moment ago, but for logs that were whole before', () => {
    const waiting = { waitingCount: 2, waitingFromMs: dayMs(25) };
    const points = [
      ...both,
      point(24, { id: 'log', kind: 'log' }),
      point(26, { id: 'late', kind: 'log' }),
    ];
    const [ids, texts] = whole(planOf('known', points, waiting), NOTHING_LACKING);
    expect(ids).toEqual(['s23', 'log']);
    expect(JSON.stringify(texts)).toContain('2 files of the store were written to a moment ago');
    expect(whole(planOf('opaque', both, waiting), NOTHING_LACKING)[0]).toEqual(['s23', 's24']);
  });

  it('waits for files that any may need unless all that it needs was written before, and for its own', () => {
    const points = [
      point(24),
      point(25, { writtenUntilMs: dayMs(25) - 1 }),
      point(26, { writtenUntilMs: dayMs(26) }),
    ];
    const waiting = { waitingCount: 2, waitingFromMs: dayMs(25) };
    const ids = (changes: Partial<TreePlan>) =>
      whole(planOf('known', points, changes), NOTHING_LACKING)[0];
    expect(ids({ ...waiting, waitingPoints: [] })).toEqual(['s25']);
    expect(ids({ ...waiting, waitingPoints: ['s25'] })).toEqual([]);
    expect(ids({ waitingCount: 1, waitingPoints: ['s25'] })).toEqual(['s24', 's26']);
    // Of a release before: nothing tells whose they are.
    expect(ids({ waitingCount: 1 })).toEqual([]);
  });

  it('is left out with what it needs, but for logs, which say so', () => {
    const points = [
      point(23),
      point(24, { kind: 'full' }),
      point(25, { kind: 'increment', needs: ['s24'] }),
      point(26, { kind: 'increment', needs: ['s25'] }),
      point(27, { kind: 'log', needs: ['s26'] }),
    ];
    const ofOne = lacking({ points: [{ id: 's24', faults: NO_FAULTS, lacksFiles: true }] });
    const [ids, texts] = whole(planOf('known', points), ofOne);
    expect(ids).toEqual(['s23', 's27']);
    expect(texts).toMatchObject([
      expect.stringContaining('s24'),
      expect.stringContaining('s25 is not in the copy: it needs s24, which is not there'),
      expect.stringContaining('s26 is not in the copy: it needs s25, which is not there'),
    ]);
    const record = recordOf(copied(23));
    const logOf = (known: TreeRecord) =>
      wholeOf(known, planOf('known', points), ofOne, () => 0).points.at(-1);
    expect(logOf(record)).toMatchObject({
      ...{ needs: [], gap: 'the backup that it follows, s26, is not there' },
    });
    // The copy has it behind an earlier backup.
    const log = copied(27, { id: 'l', kind: 'log', needs: ['s23'] });
    expect(logOf(recordOf(copied(23), log))).toMatchObject({ needs: ['s23'] });
    expect(logOf(recordOf(copied(23), log))!.gap).toBeUndefined();
    // One that is there as it was copied serves what needs it.
    const full = copied(24, { kind: 'full', sizeBytes: 1 });
    const grown = points.map((one) => (one.id === 's24' ? { ...one, sizeBytes: 2 } : one));
    expect(whole(planOf('known', grown), ofOne, recordOf(copied(23), full))[0]).toEqual([
      ...['s23', 's25', 's26', 's27'],
    ]);
  });

  it.each<[string, Partial<TreePlan>, Lacking]>([
    ['lacks files', {}, lacking({ points: [{ id: 's23', faults: NO_FAULTS, lacksFiles: true }] })],
    ['waits for files', { waitingCount: 1, waitingPoints: ['s23'] }, NOTHING_LACKING],
  ])('is left out where one that it needs is no point itself and %s', (_, changes, lacks) => {
    const points = [
      point(24, { kind: 'increment', needs: ['s22', 's23'] }),
      point(25, { kind: 'full' }),
      point(26, { kind: 'log', needs: ['s23'] }),
    ];
    const plan = planOf('known', points, changes);
    const { points: found, leftOut } = wholeOf(recordOf(copied(22)), plan, lacks, () => 0);
    expect(found.map(({ id }) => id)).toEqual(['s25', 's26']);
    expect(leftOut).toMatchObject([
      expect.stringContaining('s24 is not in the copy: it needs s23, which is not there'),
    ]);
    expect(found.at(-1)).toMatchObject({
      ...{ needs: [], gap: 'the backup that it follows, s23, is not there' },
    });
    // Data that are there serve others, although nothing is restored from it alone; so does a point of the copy.
    const all = planOf('known', points);
    expect(whole(all, NOTHING_LACKING, recordOf(copied(22)))[0]).toEqual(['s24', 's25', 's26']);
    expect(whole(plan, lacks)[0]).toEqual(['s24', 's25', 's26']);
  });

  it('that has grown and cannot be renewed is said to be the older one', () => {
    const grown = [point(23, { sizeBytes: 900 })];
    const [ids, texts] = whole(planOf('known', grown), lacking({ any: true }));
    expect(ids).toEqual([]);
    expect(JSON.stringify(texts)).toContain(
      's23 is in the copy as of 2026-11-23T22:00:00.000Z alone',
    );
  });
});

it('remembers of sets those that are not whole, with their files', () => {
  const [first, second] = [point(23, { files: ['a'] }), point(24, { files: ['b', 'c'] })];
  expect(unfinishedOf({ points: [first, second, point(25)] }, [first])).toEqual([
    { restorePointId: 's24', files: ['b', 'c'] },
  ]);
});
