import {
  ActivityFailure,
  ServiceError,
  TimeoutFailure,
  WorkflowFailedError,
} from '@temporalio/client';
import { expect, it } from 'vitest';
import {
  isNoAnswer,
  isUnavailable,
  toBackupError,
} from '../../../../src/api/executions/temporal-errors.js';

/** As @grpc/grpc-js makes them. Codes: grpc/doc/statuscodes.md. */
function answered(code: number): ServiceError {
  const cause = Object.assign(new Error(`${code}`), { code, details: '', metadata: {} });
  return new ServiceError('Failed to query Workflow', { cause });
}

it.each([
  ['CANCELLED', 1, true, true],
  ['INVALID_ARGUMENT', 3, false, false],
  ['DEADLINE_EXCEEDED', 4, true, true],
  ['NOT_FOUND', 5, false, false],
  ['PERMISSION_DENIED', 7, false, false],
  ['RESOURCE_EXHAUSTED', 8, true, true],
  ['FAILED_PRECONDITION', 9, false, true],
  ['INTERNAL', 13, false, false],
  ['UNAVAILABLE', 14, true, true],
])('tells whether %s may be otherwise next time, and whether a query was answered', (...row) => {
  const [, code, mayBeOtherwise, isUnanswered] = row;
  expect([isUnavailable(answered(code)), isNoAnswer(answered(code))]).toEqual([
    mayBeOtherwise,
    isUnanswered,
  ]);
});

it.each([
  ['PERMISSION_DENIED', 7, 'TEMPORAL_REFUSED'],
  ['UNAVAILABLE', 14, 'TEMPORAL_UNREACHABLE'],
  ['UNAUTHENTICATED', 16, 'TEMPORAL_REFUSED'],
  ['INTERNAL', 13, undefined],
])('tells %s as what somebody can do something about, or as a bug', (_name, code, known) => {
  expect(toBackupError(answered(code))?.code).toBe(known);
});

it.each([
  ['that no worker took', 'SCHEDULE_TO_START', 'no worker that reaches the repository'],
  ['that a worker was not done with', 'START_TO_CLOSE', 'a worker reads the repository'],
] as const)('tells of a look %s what is the matter', (_, type, words) => {
  const timeout = new TimeoutFailure('timed out', undefined, type);
  const failed = activityFailure(timeout);
  const error = new WorkflowFailedError('failed', failed, 'MAXIMUM_ATTEMPTS_REACHED');
  const known = toBackupError(error);
  expect([known?.code, known?.message]).toEqual([
    'REPOSITORY_UNREACHABLE',
    expect.stringContaining(words),
  ]);
});

it('tells of a look whose storage did not answer for how long', () => {
  const beat = { waits: { repositoryId: 'nas1', seconds: 118 } };
  const timeout = new TimeoutFailure('timed out', beat, 'START_TO_CLOSE');
  const error = new WorkflowFailedError('failed', activityFailure(timeout), 'TIMEOUT');
  const { code, message } = toBackupError(error)!;
  expect([code, message]).toEqual([
    'REPOSITORY_UNREACHABLE',
    'storage of nas1 has not answered for 118 s (listWorkloadFacts)',
  ]);
});

it('tells of a look that had its time as a whole that either may be the matter', () => {
  const timeout = new TimeoutFailure('timed out', undefined, 'START_TO_CLOSE');
  const error = new WorkflowFailedError('failed', timeout, 'TIMEOUT');
  expect(toBackupError(error)?.message).toMatch(/not read in time: no worker .* or its storage/);
});

function activityFailure(cause: Error): ActivityFailure {
  const type = 'listWorkloadFacts';
  return new ActivityFailure('failed', type, '1', 'MAXIMUM_ATTEMPTS_REACHED', 'worker', cause);
}
