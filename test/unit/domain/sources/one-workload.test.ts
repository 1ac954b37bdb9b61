import { describe, expect, it } from 'vitest';
import { contradictionOf, doubtOf } from '../../../../src/domain/sources/one-workload.js';
import type { SourceRestorePoint } from '../../../../src/domain/sources/source-workload.js';
import fc from '../../../support/properties.js';
import { sourcePoint } from '../retention/chain-builder.js';

function share(name: string, ...restorePoints: SourceRestorePoint[]) {
  return { name, folders: [name], restorePoints };
}

const FULL = sourcePoint('2026-11-20', null);
const INC21 = sourcePoint('2026-11-21', '2026-11-20');
const INC22 = sourcePoint('2026-11-22', '2026-11-21');

/** As another machine with the same id would show them, an hour later each. */
const other = (point: SourceRestorePoint, id: string): SourceRestorePoint => ({
  ...point,
  id,
  createdAtMs: point.createdAtMs + 3_600_000,
});

describe('contradictionOf', () => {
  it.each([
    ['a folder that was copied', [FULL, INC21], [FULL, INC21]],
    ['a folder of which a part was copied', [FULL, INC21, INC22], [INC21]],
    ['a copied folder in which the chain went on', [FULL, INC21], [FULL, INC21, INC22]],
    ['a folder for each chain', [FULL, INC21], [other(INC22, 'next')]],
    ['fulls of two schedules', [FULL, other(INC22, 'a')], [other(FULL, 'b')]],
    [
      'a point that is broken in one of them',
      [FULL, INC21],
      [{ ...INC21, state: 'broken', createdAtMs: 0 } as const],
    ],
  ])('finds nothing against %s', (_, first, second) => {
    expect(contradictionOf(share('web', ...first), share('web', ...second))).toBeNull();
    expect(contradictionOf(share('web', ...second), share('web', ...first))).toBeNull();
  });

  it('finds one id with two dates', () => {
    const later = { ...FULL, createdAtMs: FULL.createdAtMs + 5_000 };
    expect(contradictionOf(share('web', FULL), share('web', later))).toBe(
      'restore point 2026-11-20 is of 2026-11-20 22:00 UTC in the one and of 2026-11-20 22:00:05 UTC in the other',
    );
  });

  it('finds one disk that is a full here and an increment there', () => {
    const [disk] = INC21.disks;
    const full = { ...INC21, disks: [{ ...disk!, kind: 'full' as const }] };
    expect(contradictionOf(share('web', FULL, INC21), share('web', FULL, full))).toBe(
      `disk ${disk!.disk} of restore point 2026-11-21 is not the same in both`,
    );
  });

  it('finds one id with disks that have nothing in common', () => {
    const disks = FULL.disks.map((disk) => ({ ...disk, disk: `other-${disk.disk}` }));
    expect(contradictionOf(share('web', FULL), share('web', { ...FULL, disks }))).toBe(
      'restore point 2026-11-20 holds other disks in the one than in the other',
    );
  });

  it('finds two lines of increments at one time', () => {
    const second = [other(FULL, 'f'), other(INC21, 'i'), other(INC22, 'j')];
    expect(contradictionOf(share('web', FULL, INC21, INC22), share('web', ...second))).toBe(
      'both have increments of their own between 2026-11-20 23:00 UTC and 2026-11-22 22:00 UTC',
    );
  });

  it('finds a chain that went on in both copies of its folder', () => {
    const first = [FULL, INC21, INC22, sourcePoint('2026-11-24', '2026-11-22')];
    const second = [FULL, INC21, other(INC22, 'j')];
    expect(contradictionOf(share('web', ...first), share('web', ...second))).toMatch(
      /^both have increments of their own between /,
    );
  });

  it('finds two names at one time', () => {
    expect(contradictionOf(share('web', FULL, INC22), share('web-clone', other(FULL, 'f')))).toBe(
      'it is web in the one and web-clone in the other between 2026-11-20 23:00 UTC and 2026-11-20 23:00 UTC',
    );
  });

  it('takes a new name for the same machine when it comes afterwards', () => {
    expect(contradictionOf(share('web', FULL, INC21), share('web-new', INC22))).toBeNull();
  });
});

describe('doubtOf', () => {
  const full = (day: number, id = `full ${day}`): SourceRestorePoint => ({
    ...FULL,
    id,
    createdAtMs: Date.UTC(2026, 10, day, 22),
  });
  const fulls = (...days: number[]) =>
    days.map((day) => full(day, `full ${day} of ${days.join()}`));

  it.each([
    ['a folder for each chain', [FULL, INC21], [other(INC22, 'next')]],
    ['a folder for each backup', fulls(20), fulls(21)],
    ['a folder that was copied in part', fulls(20, 21, 22), fulls(20, 21, 22).slice(1, 2)],
    ['a folder that begins at the moment at which the other ends', fulls(20, 22), fulls(22, 24)],
    ['two fulls of one moment', fulls(20), [full(20, 'other')]],
    ['what is broken in one of them', fulls(20, 22), [{ ...full(21), state: 'broken' } as const]],
  ])('leaves none of %s', (_, first, second) => {
    expect(doubtOf(share('web', ...first), share('web', ...second))).toBeNull();
    expect(doubtOf(share('web', ...second), share('web', ...first))).toBeNull();
  });

  it.each([
    ['fulls of two schedules', fulls(20, 22), fulls(21, 23), 'fulls', 21, 22],
    ['a full among those of another folder', fulls(20, 22), fulls(21), 'fulls', 21, 21],
    ['a full at the moment of one of them', fulls(20, 21, 22), [full(21)], 'fulls', 21, 21],
    ['fulls of the same moments', fulls(20, 22), [full(20), full(22)], 'fulls', 20, 22],
    ['a full beside increments', [FULL, INC21, INC22], [full(21)], 'restore points', 21, 21],
  ])('tells of %s, and between which dates', (_, first, second, what, from, to) => {
    const text = `both have ${what} of their own between 2026-11-${from} 22:00 UTC and 2026-11-${to} 22:00 UTC`;
    expect(doubtOf(share('web', ...first), share('web', ...second))).toBe(text);
    expect(doubtOf(share('web', ...second), share('web', ...first))).toBe(text);
  });

  it('tells of two folders exactly when time goes over from the one to the other more than once', () => {
    const history = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(history, (isInFirst) => {
        const points = isInFirst.map((_, day) => full(day + 1));
        const first = points.filter((_, day) => isInFirst[day]);
        const second = points.filter((_, day) => !isInFirst[day]);
        const changes = isInFirst.filter((is, day) => day > 0 && is !== isInFirst[day - 1]).length;
        const doubt = doubtOf(share('web', ...first), share('web', ...second));
        expect(doubt !== null).toBe(changes > 1);
      }),
    );
  });
});
