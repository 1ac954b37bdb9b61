import { expect, it } from 'vitest';
import { newTask, type CopyTask } from '../../../src/domain/sessions/copy-session.js';
import { TallyKeeper } from '../../../src/domain/sessions/session-tally.js';
import { SessionEnding } from '../../../workflows/session/session-ending.js';
import { testJob } from '../../support/session/test-site.js';

function startsFollowers(tryNumber: number, change: Partial<CopyTask>): boolean {
  const keeper = new TallyKeeper();
  keeper.add({ ...newTask('web01', 'ovirt-1'), state: 'ended', ...change });
  const { tally } = keeper;
  const session = { tally, isUnseen: false, startedAt: '2026-11-24T22:00:00Z' };
  const ending = new SessionEnding({ job: testJob(), trigger: 'retry', tryNumber }, session);
  return ending.told(change.result ?? 'failed', null).startsFollowers;
}

it('jobs that follow start after a retry when it has copied something, not when it found its chain in use', () => {
  const locked = { result: 'warning', code: 'CHAIN_LOCKED' } as const;
  expect(startsFollowers(2, locked)).toBe(false);
  expect(startsFollowers(1, locked)).toBe(true);
  expect(startsFollowers(2, { result: 'warning', committed: ['20261124T220000Z'] })).toBe(true);
  expect(startsFollowers(2, { result: 'success', committed: ['20261124T220000Z'] })).toBe(true);
  expect(startsFollowers(2, { result: 'failed' })).toBe(false);
});
