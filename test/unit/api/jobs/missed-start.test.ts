import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import type { KnownJob } from '../../../../src/api/jobs/job-view.js';
import { enabledNote, missedStartAt } from '../../../../src/api/jobs/missed-start.js';
import { testJob } from '../../../support/session/test-site.js';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Every day at 22:00. */
const DUE = ['2026-11-23T22:00:00Z', '2026-11-24T22:00:00Z', '2026-11-25T22:00:00Z'].map(
  Date.parse,
);

interface Window {
  startTime: { seconds: number };
  endTime: { seconds: number };
}

/** A Temporal server with that calendar, which lists the first 1,000 times (temporalio/temporal, `maxListMatchingTimesCount`). */
function server(due: readonly number[]): Client {
  return {
    options: { namespace: 'test' },
    workflowService: {
      listScheduleMatchingTimes: ({ startTime, endTime }: Window) =>
        Promise.resolve({
          startTime: due
            .map((ms) => ({ seconds: ms / 1_000 }))
            .filter(({ seconds }) => seconds >= startTime.seconds && seconds <= endTime.seconds)
            .slice(0, 1_000),
        }),
    },
  } as unknown as Client;
}

const client = server(DUE);

function known(changes: Partial<KnownJob> = {}): KnownJob {
  return {
    job: testJob(),
    isPaused: false,
    nextActionTimes: [new Date('2026-11-26T22:00:00Z')],
    skippedStarts: 2,
    lastActionMs: 0,
    createdAtMs: Date.parse('2026-11-01T00:00:00Z'),
    writtenAtMs: Date.parse('2026-11-01T00:00:00Z'),
    note: undefined,
    ...changes,
  };
}

const last = (startedAt: string, state = 'ended') => ({ startedAt, state }) as never;

it('is the newest that was left out since the last session', async () => {
  const session = last('2026-11-23T22:00:00Z');
  expect(await missedStartAt(client, known(), session, NOW_MS)).toBe('2026-11-25T22:00:00.000Z');
});

it.each([
  ['the last session came after all of them', known(), last('2026-11-25T22:00:03Z')],
  ['a session runs', known(), last('2026-11-01T22:00:00Z', 'running')],
  ['a session is paused', known(), last('2026-11-01T22:00:00Z', 'paused')],
  ['a session waits for its hours', known(), last('2026-11-01T22:00:00Z', 'waiting')],
  ['the job is disabled', known({ isPaused: true }), null],
  ['it was enabled since', known({ note: enabledNote(NOW_MS - MINUTE_MS) }), null],
  ['it was made or changed since', known({ writtenAtMs: NOW_MS - MINUTE_MS }), null],
  ['none was left out', known({ skippedStarts: 0 }), null],
  [
    'its Schedule started a session since that Temporal has forgotten',
    known({ lastActionMs: Date.parse('2026-11-25T22:00:02Z') }),
    null,
  ],
  ['it watches its sources', known({ job: testJob({ mode: 'immediate' }) }), null],
])('is none when %s', async (_case, job, session) => {
  expect(await missedStartAt(client, job, session, NOW_MS)).toBeNull();
});

it('is one whose time has passed by a quarter of an hour, whatever was counted', async () => {
  const next = (ms: number) => known({ nextActionTimes: [new Date(ms)], skippedStarts: 0 });
  const session = last(new Date(NOW_MS - DAY_MS).toISOString());
  expect(await missedStartAt(client, next(NOW_MS - 14 * MINUTE_MS), session, NOW_MS)).toBeNull();
  expect(await missedStartAt(client, next(NOW_MS - 16 * MINUTE_MS), session, NOW_MS)).toBe(
    '2026-11-26T11:44:00.000Z',
  );
});

it.each([
  ['of more than the server lists at once', 30, MINUTE_MS],
  ['of one that is a quarter of a year old', 100, 91 * DAY_MS],
])('is the newest %s', async (_what, days, everyMs) => {
  const firstMs = NOW_MS - days * DAY_MS;
  const count = Math.floor((NOW_MS - MINUTE_MS - firstMs) / everyMs) + 1;
  const due = Array.from({ length: count }, (_, index) => firstMs + index * everyMs);
  const written = known({ writtenAtMs: firstMs - DAY_MS });
  const newestMs = Math.max(...due.filter((ms) => ms <= NOW_MS - 15 * MINUTE_MS));
  expect(await missedStartAt(server(due), written, null, NOW_MS)).toBe(
    new Date(newestMs).toISOString(),
  );
});
