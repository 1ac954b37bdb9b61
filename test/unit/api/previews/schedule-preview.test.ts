import type { Client } from '@temporalio/client';
import { msToTs, requiredTsToMs } from '@temporalio/common/lib/time.js';
import { expect, it } from 'vitest';
import { startsBetween } from '../../../../src/api/previews/schedule-preview.js';

const HOUR_MS = 3_600_000;
const FROM_MS = Date.parse('2026-11-27T00:30:00Z');
type Asked = { startTime: ReturnType<typeof msToTs>; endTime: ReturnType<typeof msToTs> };

/** Each full hour behind the start of what is asked for, a thousand at most, as Temporal answers. */
function hourly(): { client: Client; asked: string[] } {
  const asked: string[] = [];
  const handle = { scheduleId: 'preview/a', delete: () => Promise.resolve() };
  const client = {
    options: { namespace: 'default' },
    schedule: { create: () => Promise.resolve(handle) },
    workflowService: {
      listScheduleMatchingTimes({ startTime, endTime }: Asked) {
        const fromMs = requiredTsToMs(startTime, 'startTime');
        asked.push(new Date(fromMs).toISOString());
        const times: ReturnType<typeof msToTs>[] = [];
        let ms = (Math.floor(fromMs / HOUR_MS) + 1) * HOUR_MS;
        for (; times.length < 1_000 && ms <= requiredTsToMs(endTime, 'endTime'); ms += HOUR_MS)
          times.push(msToTs(ms));
        return Promise.resolve({ startTime: times });
      },
    },
  };
  return { client: client as unknown as Client, asked };
}

const SCHEDULE = { type: 'interval', everyMinutes: 60 } as const;

it('all starts of a span are asked for, also when they are more than Temporal tells at once', async () => {
  const { client } = hourly();
  const span = { fromMs: FROM_MS, toMs: FROM_MS + 90 * 24 * HOUR_MS, enough: 10_000 };
  const starts = (await startsBetween(client, SCHEDULE, span))!;
  expect(starts).toHaveLength(90 * 24);
  expect(new Set(starts).size).toBe(90 * 24);
  expect(new Date(starts.at(-1)!).toISOString()).toBe('2027-02-25T00:00:00.000Z');
});

it('starts are not asked for any longer when there are enough', async () => {
  const { client, asked } = hourly();
  const span = { fromMs: FROM_MS, toMs: FROM_MS + 1_200 * 24 * HOUR_MS, enough: 1_501 };
  expect((await startsBetween(client, SCHEDULE, span))!.length).toBeGreaterThanOrEqual(1_501);
  expect(asked).toHaveLength(2);
});
