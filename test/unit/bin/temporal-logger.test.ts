import { ApplicationFailure } from '@temporalio/common';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { toApplicationFailure } from '../../../activities/running/application-failure.js';
import { temporalLogger } from '../../../src/bin/temporal-logger.js';

function logged(log: (logger: ReturnType<typeof temporalLogger>) => void): unknown[] {
  const lines: string[] = [];
  log(temporalLogger(pino({ base: null }, { write: (line: string) => void lines.push(line) })));
  return lines.map((line) => JSON.parse(line) as unknown);
}

it('says what failed an activity, with its code and hint, and without what nobody can read', () => {
  const error = ApplicationFailure.create({
    message: 'Repository "offsite": cannot write "a/b": no space is left',
    type: 'REPOSITORY_FULL',
    details: [{ hint: 'Free space.' }],
    cause: new Error('ENOSPC'),
  });
  const [line] = logged((logger) => {
    logger.warn('Activity failed', { error, activityType: 'copyBatch', taskToken: 'CiQw' });
  });
  expect(line).toMatchObject({
    ...{ part: 'temporal-sdk', activityType: 'copyBatch', msg: 'Activity failed' },
    error: {
      ...{ type: 'REPOSITORY_FULL', message: error.message, nonRetryable: false },
      details: [{ hint: 'Free space.' }],
    },
  });
  expect(line).not.toHaveProperty('taskToken');
});

it.each([
  ['a bug', new TypeError('x is none')],
  ['a bug in an activity', toApplicationFailure(new TypeError('x is none'), 1)],
])('shows the stack of %s', (_, error) => {
  const [line] = logged((logger) => {
    logger.error('failed', { error });
  });
  expect(line).toMatchObject({ error: { type: 'TypeError', message: 'x is none' } });
  expect((line as { error: { stack: string } }).error.stack).toContain('temporal-logger.test.ts');
});
