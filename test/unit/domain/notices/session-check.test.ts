import { describe, expect, it } from 'vitest';
import {
  newTask,
  type CopyTask,
  type SessionResult,
} from '../../../../src/domain/sessions/copy-session.js';
import { sessionResult } from '../../../../src/domain/sessions/session-result.js';
import { TallyKeeper } from '../../../../src/domain/sessions/session-tally.js';
import { pingOfRun, pingOfSession } from '../../../../src/domain/notices/session-check.js';

type Ended = Partial<CopyTask> & { readonly result: SessionResult };

const of = (workloadId: string | null, change: Ended): CopyTask => ({
  ...newTask(workloadId ?? 'repository primary', workloadId),
  ...{ state: 'ended', ...change },
});

function told(...tasks: readonly CopyTask[]): string {
  const keeper = new TallyKeeper();
  for (const task of tasks) keeper.add(task);
  const { tally } = keeper;
  return pingOfSession(sessionResult(tally.tasks, tally.counts).result, tally);
}

const COPIED = of('vm-1', { result: 'success', committed: ['20261124T220000Z'] });
const NOTHING_NEW = of('vm-2', { result: 'nothingToCopy' });
const LOCKED = of('vm-3', { result: 'warning', code: 'CHAIN_LOCKED' });
const EMPTY = of(null, { result: 'warning', code: 'SOURCE_EMPTY' });
const UNREAD = of(null, { result: 'warning', code: 'SOURCE_PART_UNREADABLE' });
const PASSED_OVER = of(null, { result: 'nothingToCopy' });
const GONE = of(null, { result: 'warning', reason: 'vm-9 is gone' });
const STANDING = of('vm-6', {
  result: 'warning',
  foundCopied: true,
  reason: 'a disk was left out',
});
const WARNED = of('vm-4', { result: 'warning', committed: ['20261124T220000Z'] });

describe('the check of a job', () => {
  it.each([
    ['copied', [COPIED]],
    ['found all copied already', [NOTHING_NEW]],
    ['copied, and warns of what it could not delete', [WARNED]],
    ['found all copied already, and warns of what a copied point lacks', [STANDING]],
    ['copied one workload while another session held the chain of another', [COPIED, LOCKED]],
    ['copied, and warns of a workload that is gone', [COPIED, GONE]],
    ['copied, and passed over what another job copies', [COPIED, PASSED_OVER]],
  ])('is told of success by a session that %s', (_, tasks) => {
    expect(told(...tasks)).toBe('success');
  });

  it.each([
    ['whose only source is not mounted', [EMPTY]],
    ['one of whose two sources is not mounted', [COPIED, EMPTY]],
    ['that could not look at a place of its source', [COPIED, UNREAD]],
    ['whose only chain another one held', [LOCKED]],
    ['that no workload matches', []],
    ['whose pattern matches nothing', [PASSED_OVER]],
    ['with a workload that failed', [COPIED, of('vm-5', { result: 'failed' })]],
    ['that was stopped', [COPIED, of('vm-5', { result: 'stopped' })]],
    ['that needs a decision', [COPIED, of('vm-5', { result: 'actionRequired' })]],
  ])('is told of failure by a session %s', (_, tasks) => {
    expect(told(...tasks)).toBe('fail');
  });

  it('is told of failure by a run of which not every copy was begun', () => {
    expect([pingOfRun('success', true), pingOfRun('warning', true)]).toEqual([
      'success',
      'success',
    ]);
    expect([pingOfRun('warning', false), pingOfRun('failed', true)]).toEqual(['fail', 'fail']);
  });
});
