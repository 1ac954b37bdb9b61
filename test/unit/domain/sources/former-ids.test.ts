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

it('an id that stands for all dates is its own while no source shows one of a date', () => {
  const log = workload('log', 'log-<date>', 'log-20261124');
  expect([...soleFormerIds([log])]).toEqual([['log', ['log-<date>', 'log-20261124']]]);
  expect([...soleFormerIds([log, workload('log-20261123')])]).toEqual([['log', ['log-20261124']]]);
});

it('an id that two sources tell of one workload is its own', () => {
  expect([...soleFormerIds([workload('a', 'before'), workload('a', 'before')])]).toEqual([
    ['a', ['before']],
  ]);
});
