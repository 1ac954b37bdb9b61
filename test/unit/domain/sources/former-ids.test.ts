import { expect, it } from 'vitest';
import { soleFormerIds } from '../../../../src/domain/sources/former-ids.js';

const workload = (id: string, ...otherIds: string[]) => ({ id, otherIds });

it('an id that a workload had before is its own while no source shows it and no other one had it', () => {
  const found = soleFormerIds([
    workload('a', 'a-before', 'both', 'shown'),
    workload('b', 'both'),
    { id: 'shown' },
  ]);
  expect([...found]).toEqual([['a', ['a-before']]]);
});

it('an id that two sources tell of one workload is its own', () => {
  expect([...soleFormerIds([workload('a', 'before'), workload('a', 'before')])]).toEqual([
    ['a', ['before']],
  ]);
});
