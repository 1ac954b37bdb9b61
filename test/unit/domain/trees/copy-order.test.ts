import { describe, expect, it } from 'vitest';
import { copyOrder } from '../../../../src/domain/trees/copy-order.js';

const CLASSES = [
  { name: 'config', makesStore: true },
  { name: 'keys' },
  { name: 'data' },
  { name: 'snapshots' },
] as const;

describe('copyOrder', () => {
  it('has what makes the store one last when the copy has no file of it', () => {
    expect(copyOrder(CLASSES, (name) => name === 'keys' || name === 'data')).toEqual([
      'keys',
      'data',
      'snapshots',
      'config',
    ]);
  });

  it('is that of the layout when the copy has it', () => {
    expect(copyOrder(CLASSES, (name) => name === 'config')).toEqual([
      'config',
      'keys',
      'data',
      'snapshots',
    ]);
  });
});
