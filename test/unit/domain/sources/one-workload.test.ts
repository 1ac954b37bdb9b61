import { describe, expect, it } from 'vitest';
import { contradictionOf } from '../../../../src/domain/sources/one-workload.js';
import type { SourceRestorePoint } from '../../../../src/domain/sources/source-workload.js';
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
