import { describe, expect, it } from 'vitest';
import { restoreRequestSchema } from '../../../../src/api/repositories/repository-schemas.js';

const TREE = { destination: { path: '/restored' }, layout: true };

describe('the request of a restore', () => {
  it('takes a whole point for the tree of its tool', () => {
    expect(restoreRequestSchema.parse(TREE)).toMatchObject({ format: 'same', layout: true });
  });

  it.each([{ format: 'raw' }, { disks: ['vda'] }])('refuses that tree with %j', (wish) => {
    const { error } = restoreRequestSchema.safeParse({ ...TREE, ...wish });
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['layout'], 'goes with all disks of a restore point, in the format `same`'],
    ]);
  });
});
