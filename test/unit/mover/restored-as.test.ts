import { describe, expect, it } from 'vitest';
import { restoredAs } from '../../../src/mover/copy/plan-disk.js';

const TIB = 2 ** 40;
const plan = (format: string, virtualSizeBytes: number) => ({
  layers: [{ format }],
  virtualSizeBytes,
});

describe('what a restore in the layout of its tool gives under the name of a disk', () => {
  it('is its own format where its size alone has another one kept', () => {
    const as = 'web01/web01.vmdk';
    expect(restoredAs({ as }, plan('vmdk', 3 * TIB))).toEqual({ as, asFormat: 'vmdk' });
    expect(restoredAs({ as }, plan('vmdk', TIB))).toEqual({ as });
  });

  it('is what its layout asks for, and for what has no name there what is kept', () => {
    const flat = { as: 'web01/web01-flat.vmdk', asFormat: 'raw' };
    expect(restoredAs(flat, plan('vmdk', 3 * TIB))).toEqual(flat);
    expect(restoredAs({}, plan('vmdk', 3 * TIB))).toEqual({});
  });

  it.each(['qcow2', 'raw', 'vhdx'])('is kept as it is of %s', (format) => {
    expect(restoredAs({ as: 'a' }, plan(format, 3 * TIB))).toEqual({ as: 'a' });
  });
});
