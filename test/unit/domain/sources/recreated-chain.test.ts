import { describe, expect, it } from 'vitest';
import {
  detectRecreatedChain,
  newPoints,
  recreatedMessage,
} from '../../../../src/domain/sources/recreated-chain.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import { sourcePoint, targetChain } from '../retention/chain-builder.js';

const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'];
const COPIED = targetChain(DAYS);
const copiedId = (day: string): string => `${day}T22:00:00Z`;

/** A source point that is proven to be the copied one of `day`. */
const known = (day: string, change: Partial<IdentifiedPoint> = {}): IdentifiedPoint =>
  sourcePoint(day, day === '2026-11-20' ? null : 'parent', {
    identity: { is: 'copied', copiedId: copiedId(day) },
    ...change,
  });

/** One that has its name and date, and other content. */
const replaced = (day: string): IdentifiedPoint =>
  sourcePoint(day, null, { identity: { is: 'replaced', copiedId: copiedId(day) } });

const [OLDEST, MIDDLE, NEWEST] = [known('2026-11-20'), known('2026-11-21'), known('2026-11-22')];
const LATER = sourcePoint('2026-11-23', '2026-11-22');
const LAST = { copiedPointId: copiedId('2026-11-22'), currentRestorePointId: '2026-11-22' };

describe('recreated chain', () => {
  it.each<[string, IdentifiedPoint[], object]>([
    [
      'all known points are there',
      [OLDEST, MIDDLE, NEWEST],
      { state: 'intact', lastCopied: LAST, lineageUsable: true },
    ],
    [
      'a newer point is there',
      [OLDEST, MIDDLE, NEWEST, LATER],
      { state: 'extended', lastCopied: LAST, lineageUsable: true },
    ],
    [
      'the source dropped old points',
      [NEWEST],
      { state: 'trimmed', lastCopied: LAST, lineageUsable: true },
    ],
    [
      'the source dropped old points and made a new one',
      [MIDDLE, NEWEST, LATER],
      { state: 'extended', lastCopied: LAST, lineageUsable: true },
    ],
    [
      'the newest copied point is gone',
      [OLDEST, MIDDLE],
      {
        state: 'trimmed',
        lastCopied: { copiedPointId: copiedId('2026-11-21'), currentRestorePointId: '2026-11-21' },
        lineageUsable: false,
      },
    ],
    [
      'the newest copied point is gone and another was made',
      [OLDEST, MIDDLE, sourcePoint('2026-11-24', '2026-11-21')],
      {
        state: 'trimmed',
        lastCopied: { copiedPointId: copiedId('2026-11-21'), currentRestorePointId: '2026-11-21' },
        lineageUsable: false,
      },
    ],
    [
      'all points have other names and dates, but known content',
      [
        known('2026-11-20', { id: 'a', createdAtMs: 1 }),
        known('2026-11-21', { id: 'b', createdAtMs: 2 }),
        known('2026-11-22', { id: 'c', createdAtMs: 3 }),
      ],
      {
        state: 'intact',
        lastCopied: { copiedPointId: copiedId('2026-11-22'), currentRestorePointId: 'c' },
        lineageUsable: true,
      },
    ],
    [
      'all known names have other content',
      DAYS.map((day) => replaced(day)),
      { state: 'replaced', lastCopied: null, lineageUsable: false },
    ],
    [
      'other points are there instead of the known ones',
      [sourcePoint('2026-11-23', null), sourcePoint('2026-11-24', '2026-11-23')],
      { state: 'recreated', lastCopied: null, lineageUsable: false },
    ],
    [
      'other points have the names of known ones without their content',
      DAYS.map((day) => sourcePoint(day, null)),
      { state: 'recreated', lastCopied: null, lineageUsable: false },
    ],
    [
      'the known ones are gone, but a point builds on one of them',
      [sourcePoint('2026-11-23', '2026-11-22')],
      { state: 'extended', lastCopied: null, lineageUsable: false },
    ],
    [
      'a point builds on a known name that has other content',
      [replaced('2026-11-22'), LATER],
      { state: 'replaced', lastCopied: null, lineageUsable: false },
    ],
    ['the source is empty', [], { state: 'trimmed', lastCopied: null, lineageUsable: false }],
    [
      'nothing known can be found, and a point cannot be read',
      [
        sourcePoint('renamed', null, {
          state: 'unknown',
          identity: { is: 'unreadable', copiedId: null },
        }),
        LATER,
      ],
      { state: 'trimmed', lastCopied: null, lineageUsable: false },
    ],
    [
      'the newest copied point cannot be read',
      [
        OLDEST,
        MIDDLE,
        sourcePoint('2026-11-22', 'x', {
          state: 'unknown',
          identity: { is: 'unreadable', copiedId: copiedId('2026-11-22') },
        }),
        LATER,
      ],
      { state: 'extended', lastCopied: LAST, lineageUsable: false },
    ],
  ])('when %s', (_, current, expected) => {
    expect(detectRecreatedChain({ copied: COPIED, current })).toMatchObject(expected);
  });

  it('is extended when the tool makes fulls only and lets the copied ones go, and recreated otherwise', () => {
    const current = [sourcePoint('2026-11-23', null), sourcePoint('2026-11-24', null)];
    expect(detectRecreatedChain({ copied: COPIED, current }).state).toBe('recreated');
    expect(detectRecreatedChain({ copied: COPIED, current, makesFullsOnly: true })).toMatchObject({
      state: 'extended',
      lastCopied: null,
      lineageUsable: false,
      reasons: [
        'all 3 copied restore points are gone from the source',
        'its restore points are fulls, which come and go one by one',
      ],
    });
    const other = [replaced('2026-11-22')];
    expect(
      detectRecreatedChain({ copied: COPIED, current: other, makesFullsOnly: true }).state,
    ).toBe('replaced');
  });

  it('is extended on the first run', () => {
    expect(detectRecreatedChain({ copied: [], current: [LATER] })).toEqual({
      state: 'extended',
      lastCopied: null,
      lineageUsable: false,
      toCompare: [],
      reasons: ['nothing was copied before'],
      warnings: [],
    });
  });

  it('says that old points are gone and that newer ones are there', () => {
    const { reasons } = detectRecreatedChain({ copied: COPIED, current: [NEWEST, LATER] });
    expect(reasons).toEqual(['2 of 3 copied restore points are gone', '1 restore point is new']);
  });

  it('stays the same chain when one of several known points has other content, and says which', () => {
    const current = [OLDEST, replaced('2026-11-21'), NEWEST];
    const detection = detectRecreatedChain({ copied: COPIED, current });
    expect(detection.state).toBe('trimmed');
    expect(detection.warnings).toEqual([
      'restore point 2026-11-21 of 2026-11-21 22:00 UTC has other content than when it was copied',
    ]);
    expect(detection.reasons[0]).toBe(detection.warnings[0]);
  });

  describe('with a copy that was taken too early', () => {
    const judged = {
      verdict: 'grown',
      reason: 'disk vdb came late',
      fingerprint: null,
      epoch: 1,
    } as const;
    const short = COPIED.map((point, index) => ({
      ...point,
      parentId: index === 0 ? null : COPIED[index - 1]!.id,
      ...(index === 1 ? { source: { ...point.source, judged } } : {}),
    }));
    const grown = (day: string) =>
      known(day, { identity: { is: 'grown', copiedId: copiedId(day), reason: judged.reason } });

    it('names it and each copy that rests on it, when their source is gone', () => {
      expect(detectRecreatedChain({ copied: short, current: [OLDEST] }).warnings).toEqual([
        'the copy of restore point 2026-11-21 of 2026-11-21 22:00 UTC stays short, because the source does not show it any more: disk vdb came late',
        'the copy of restore point 2026-11-22 of 2026-11-22 22:00 UTC stays short, because the source does not show it any more: the copy that it builds on was taken too early',
      ]);
    });

    it('names only what the source does not show any more: the rest is made again', () => {
      const { warnings } = detectRecreatedChain({
        copied: short,
        current: [OLDEST, grown('2026-11-21')],
      });
      expect(warnings).toEqual([
        expect.stringContaining('the copy of restore point 2026-11-22 of 2026-11-22'),
      ]);
    });
  });

  it('tells what was seen and which commands go on from there', () => {
    const current = [sourcePoint('2026-11-23', null), sourcePoint('2026-11-24', '2026-11-23')];
    const detection = detectRecreatedChain({ copied: COPIED, current });
    expect(recreatedMessage('nightly', 'web01', detection)).toBe(
      'The backup chain of web01 in the source is not the one that was copied: all 3 copied restore points are gone from the source; ' +
        '2 restore points are there instead, and none of them builds on a copied one. Nothing was copied, and all copies made so far are kept. ' +
        'To go on, if that was meant: `longhaul job detach nightly <workload>`, and the next session makes a full of this one alone; ' +
        'or `longhaul job replace nightly`, which copies every workload of the job anew and stops it.',
    );
  });
});

describe('new points', () => {
  const unreadable = (day: string) =>
    sourcePoint(day, null, { state: 'broken', identity: { is: 'unreadable', copiedId: null } });

  it('are complete ones wherever they stand, because order and dates may have been wrong before', () => {
    const late = sourcePoint('2026-11-19', null);
    expect(newPoints([late, OLDEST, NEWEST, LATER]).map(({ id }) => id)).toEqual([
      '2026-11-19',
      '2026-11-23',
    ]);
  });

  it('are broken ones only behind everything that is known', () => {
    const current = [unreadable('2026-11-19'), NEWEST, unreadable('2026-11-23')];
    expect(newPoints(current).map(({ id }) => id)).toEqual(['2026-11-23']);
  });

  it('are not those that were passed over or that retention let go', () => {
    const passedOver = sourcePoint('2026-11-19', null, { identity: { is: 'known' } });
    expect(newPoints([passedOver, NEWEST])).toEqual([]);
    expect(detectRecreatedChain({ copied: COPIED, current: [passedOver] }).state).toBe('trimmed');
  });
});

it('asks for a comparison of every point of which only name and date are known', () => {
  const unproven = sourcePoint('2026-11-22', null, {
    identity: { is: 'unproven', copiedId: copiedId('2026-11-22') },
  });
  expect(
    detectRecreatedChain({ copied: COPIED, current: [OLDEST, unproven, LATER] }),
  ).toMatchObject({
    state: 'extended',
    lineageUsable: false,
    toCompare: [{ restorePointId: '2026-11-22', copiedId: copiedId('2026-11-22') }],
  });
});
