import { expect, it } from 'vitest';
import { newTask, type CopyTask } from '../../../src/domain/sessions/copy-session.js';
import { TallyKeeper } from '../../../src/domain/sessions/session-tally.js';
import type { CopySessionInput } from '../../../workflows/messages.js';
import { SessionEnding } from '../../../workflows/session/session-ending.js';
import { testJob } from '../../support/session/test-site.js';

const retry = { attempts: 3, pausesMinutes: [10] };

function startsFollowers(
  tryNumber: number,
  change: Partial<CopyTask>,
  trigger: CopySessionInput['trigger'] = 'retry',
): boolean {
  const keeper = new TallyKeeper();
  keeper.add({ ...newTask('web01', 'ovirt-1'), state: 'ended', ...change });
  const { tally } = keeper;
  const session = { tally, isUnseen: false, startedAt: '2026-11-24T22:00:00Z' };
  const ending = new SessionEnding({ job: testJob(), trigger, tryNumber }, session);
  return ending.told(change.result ?? 'failed', null).startsFollowers;
}

it('jobs that follow start after a retry when it has copied something, not when it found its chain in use', () => {
  const locked = { result: 'warning', code: 'CHAIN_LOCKED' } as const;
  expect(startsFollowers(2, locked)).toBe(false);
  expect(startsFollowers(1, locked)).toBe(true);
  expect(startsFollowers(1, locked, 'watch')).toBe(false);
  expect(startsFollowers(1, { result: 'nothingToCopy' }, 'watch')).toBe(true);
  expect(startsFollowers(2, { result: 'warning', committed: ['20261124T220000Z'] })).toBe(true);
  expect(startsFollowers(2, { result: 'success', committed: ['20261124T220000Z'] })).toBe(true);
  expect(startsFollowers(2, { result: 'failed' })).toBe(false);
});

it('a retry for all asks again by name for what those that it stands for had not seen', () => {
  const keeper = new TallyKeeper();
  keeper.add({ ...newTask('web01', 'ovirt-1'), state: 'ended', result: 'success' });
  const session = { tally: keeper.tally, isUnseen: true, startedAt: '2026-11-24T22:00:00Z' };
  const input: CopySessionInput = {
    ...{ job: testJob({ retry }), trigger: 'retry', tryNumber: 2, sought: ['ovirt-1', 'ovirt-2'] },
  };
  expect(new SessionEnding(input, session).retryOrder()?.workloads).toEqual(['ovirt-2']);
});

it('an order for all names what failed, as far as the session still knows it', () => {
  const keeper = new TallyKeeper();
  keeper.add({ ...newTask('web01', 'ovirt-1'), state: 'ended', result: 'failed' });
  const { counts, ...rest } = keeper.tally;
  const tally = { ...rest, counts: { ...counts, failed: 2 } };
  const session = { tally, isUnseen: false, startedAt: '2026-11-24T22:00:00Z' };
  const ending = new SessionEnding({ job: testJob({ retry }), trigger: 'schedule' }, session);
  expect(ending.retryOrder()).toMatchObject({ workloads: null, sought: ['ovirt-1'] });
});
