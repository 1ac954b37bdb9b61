import { expect, it } from 'vitest';
import { removedBefore, removedBy } from '../../../../src/mover/tree/change/removed-files.js';
import type { PendingRemoval, TreeRecord } from '../../../../src/tree/tree-record.js';

const run = (entryCount: number) => ({ class: 'data', run: { name: 'r', entryCount, digest: '' } });
const PENDING: PendingRemoval = {
  ...{ type: 'remove', runs: [run(2), run(1)], reason: 'they are gone' },
  points: ['db-8'],
};
const CALL = { epoch: 4, nowMs: 1_000 };

function recordOf(removed?: NonNullable<TreeRecord['removed']>): TreeRecord {
  return (removed === undefined ? {} : { removed }) as TreeRecord;
}

const earlier = (epoch: number, nowMs: number) =>
  recordOf({ epoch, nowMs, fileCount: 10, points: ['db-9'] });

it.each([
  ['in a record that keeps no answer', recordOf(), 3, ['db-8']],
  [
    'behind an earlier order of the same owner, with what that took',
    earlier(4, 999),
    13,
    ['db-9', 'db-8'],
  ],
  ['behind an order of an owner before, which has told for itself', earlier(3, 999), 3, ['db-8']],
  ['behind an owner before who ordered at the same time', earlier(3, 1_000), 3, ['db-8']],
  ['of the same order, which is done once more', earlier(4, 1_000), 3, ['db-8']],
])('a removal %s is kept for who asks again', (_, record, fileCount, points) => {
  expect(removedBy(record, PENDING, CALL)).toEqual({ ...CALL, fileCount, points });
});

it.each([
  ['where none is kept', recordOf(), null],
  ['of an earlier order', earlier(4, 999), null],
  ['of an owner before who ordered at the same time', earlier(3, 1_000), null],
  ['of the same order', earlier(4, 1_000), { fileCount: 10, points: ['db-9'], postponed: null }],
])(
  'an order is answered with what was removed before only by its own answer: %s',
  (_, record, answer) => {
    expect(removedBefore(record, CALL)).toEqual(answer);
  },
);
