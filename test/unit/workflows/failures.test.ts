import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { causeOf, codeOf, isStop, reasonOf } from '../../../workflows/failures.js';

/** As the server hands on what an activity, or a child, failed with. */
const ofActivity = (cause: Error) =>
  new ActivityFailure('Activity task failed', 'planCopy', '1', 'NON_RETRYABLE_FAILURE', 'w', cause);
const ofChild = (cause: Error) =>
  new ChildWorkflowFailure(
    'default',
    { workflowId: 'copy' },
    'copyWorkload',
    'RETRY_POLICY_NOT_SET',
    cause,
  );

function timedOut(last?: Error): TimeoutFailure {
  const failure = new TimeoutFailure('heartbeat timeout', undefined, 'HEARTBEAT');
  Object.assign(failure, { cause: last });
  return failure;
}

const full = ApplicationFailure.nonRetryable('the target is full', 'REPOSITORY_FULL', {
  hint: 'Make room.',
});
const plain = ApplicationFailure.nonRetryable('the target is full', 'REPOSITORY_FULL');

describe('a failure as a workflow meets it', () => {
  it.each([
    ['itself', full],
    ['an activity', ofActivity(full)],
    ['a child', ofChild(full)],
    ['an activity of a child', ofChild(ofActivity(full))],
    ['the last try of an activity that ran out of time', ofActivity(timedOut(full))],
    ['the last try of one in a child', ofChild(ofActivity(timedOut(full)))],
  ])('is told by what lies in %s', (_, failure) => {
    expect(causeOf(failure)).toBe(full);
    expect(codeOf(failure)).toBe('REPOSITORY_FULL');
    expect(reasonOf(failure)).toBe('the target is full. Make room.');
  });

  it('is told without a hint where there is none', () => {
    expect(reasonOf(ofActivity(plain))).toBe('the target is full');
    const otherDetails = ApplicationFailure.nonRetryable('the target is full', 'X', null);
    expect(reasonOf(otherDetails)).toBe('the target is full');
  });

  it('has no code when it is none of ours', () => {
    expect(codeOf(ofActivity(timedOut()))).toBe('');
    expect(codeOf(new Error('bad'))).toBe('');
    expect(codeOf('bad')).toBe('');
  });

  it('names the storage that a step waited for until its time was over, and not where its worker was gone', () => {
    const beat = { readBytes: 5, waits: { repositoryId: 'nas1', seconds: 598 } };
    const ended = new TimeoutFailure('timed out', beat, 'SCHEDULE_TO_CLOSE');
    const words = 'storage of nas1 has not answered for 598 s (planCopy)';
    expect(reasonOf(ofActivity(ended))).toBe(words);
    expect(reasonOf(ofChild(ofActivity(ended)))).toBe(words);
    expect(codeOf(ofActivity(ended))).toBe('');
    const gone = new TimeoutFailure('no heartbeat', beat, 'HEARTBEAT');
    expect(reasonOf(ofActivity(gone))).toBe('no heartbeat');
  });

  it('is told in the words it has when it is none of ours', () => {
    expect(reasonOf(ofActivity(timedOut()))).toBe('heartbeat timeout');
    expect(reasonOf(new TypeError('bad'))).toBe('bad');
    expect(reasonOf('bad')).toBe('bad');
  });

  it('is a stop when it was cancelled, itself or what it waited for', () => {
    expect(isStop(new CancelledFailure('stopped'))).toBe(true);
    expect(isStop(ofActivity(new CancelledFailure('stopped')))).toBe(true);
    expect(isStop(ofChild(new CancelledFailure('stopped')))).toBe(true);
  });
});
