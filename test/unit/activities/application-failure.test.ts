import { expect, it } from 'vitest';
import { toApplicationFailure } from '../../../activities/running/application-failure.js';
import { BackupError } from '../../../src/domain/errors.js';

const full = new BackupError('REPOSITORY_FULL', 'no space is left');
const memory = new BackupError('WORKER_OUT_OF_MEMORY', 'it needed more memory');
const away = new BackupError('REPOSITORY_UNREACHABLE', 'the share is not connected');

it.each([
  ['what cannot pass by itself', full, 1, false],
  ['what a thread without memory ended', memory, 4, true],
  ['what a thread without memory ended for the fifth time', memory, 5, false],
  ['a bug', new Error('x is none'), 4, true],
  ['a bug, for the fifth time', new Error('x is none'), 5, false],
  ['what may pass by itself', away, 99, true],
])('%s is tried again or not', (_, error, attempt, isTriedAgain) => {
  expect(toApplicationFailure(error, attempt).nonRetryable).toBe(!isTriedAgain);
});
