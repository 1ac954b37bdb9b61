import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import { runTask } from '../../../activities/running/run-task.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { Notice } from '../../../src/domain/notices/notice.js';
import { LocalServer } from '../../support/workflows/local-server.js';

const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');
const MINUTE_MS = 60_000;
const WATCH = 'safety';

const LATE = {
  ...{
    key: 'late',
    code: 'COPY_LATE',
    severity: 'error',
    text: 'db07 is late',
    nextStep: 'Start.',
  },
  ...{ sinceMs: null, jobId: 'nightly' },
};
const [MAIL, CHAT] = ['mail', 'slack'].map((kind) => ({
  ...{ id: kind, kind, severity: 'error', jobs: null, digestAt: null, quietHours: null },
}));

type Told = readonly [minute: number, channelId: string, subject: string];

/** Looks five minutes apart; a problem is there in the first twenty of them, the chat is configured from the third on, and the password of the mail
 *  server is right from the second message on. */
async function watched(longAtEvents: number): Promise<Told[]> {
  const told: Told[] = [];
  let looks = 0;
  const activities = {
    readWatchRules: () => {
      looks += 1;
      const channels = looks > 30 ? [] : looks > 2 ? [MAIL, CHAT] : [MAIL];
      const rules = { watchMs: 5 * MINUTE_MS, holdMs: 0, pings: [], timeZone: 'UTC' };
      return Promise.resolve({ ...rules, told: channels });
    },
    lookAtSafety: () =>
      Promise.resolve({
        ...{ sentence: 'It is so', state: 'unsafe', isWhole: true },
        problems: looks > 20 ? [] : [LATE],
      }),
    deliverNotice: ({ channelId, notice }: { channelId: string; notice: Notice }) =>
      runTask(() => {
        const isFirst = told.length === 0;
        const again = notice.lines[0]?.startsWith('A message to this channel was refused');
        const words = `${again === true ? 'again: ' : ''}${notice.subject}`;
        told.push([(server.nowMs - STARTED_AT_MS) / MINUTE_MS, channelId, words]);
        if (isFirst)
          throw new BackupError('CHANNEL_REFUSED', 'channel mail: the server answers 535');
        return Promise.resolve();
      }),
  } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.longAtEvents = longAtEvents;
  server.begin('watchSafety', WATCH, { open: [], channels: {} });
  await server.end(WATCH);
  return told;
}

it.each([
  ['in one run', Infinity],
  ['over many runs', 40],
])(
  'the watch tells what is open to a channel that comes later, and again to one that refused it, %s',
  async (_, longAtEvents) => {
    expect(await watched(longAtEvents)).toEqual([
      [0, 'mail', 'Not well: db07 is late'],
      [10, 'slack', 'Not well: db07 is late'],
      [60, 'mail', 'again: Not well: db07 is late'],
      [100, 'mail', 'Well again: db07 is late'],
      [100, 'slack', 'Well again: db07 is late'],
    ]);
  },
);

const NAME = 'x'.repeat(450);

it('what the watch remembers fits into what a new run is begun with, whatever a hundred channels wait with', async () => {
  const channels = Array.from({ length: 100 }, (_, index) => ({
    ...{ ...MAIL, id: `mail-${index}` },
    quietHours: { from: '20:00', to: '08:00' },
  }));
  let looks = 0;
  const lengths: number[] = [];
  const problems = (look: number) =>
    Array.from({ length: 200 }, (_, index) => {
      const key = `${look}-${index}-${NAME}`;
      return { ...LATE, key, text: key, jobIds: ['nightly'] };
    });
  const activities = {
    readWatchRules: () => {
      looks += 1;
      const rules = { watchMs: 5 * MINUTE_MS, holdMs: 0, pings: [], timeZone: 'UTC' };
      return Promise.resolve({ ...rules, told: looks > 8 ? [] : channels });
    },
    lookAtSafety: ({ open }: { open: readonly string[] }) => {
      lengths.push(open.length);
      return Promise.resolve({
        ...{ sentence: 'It is so', state: 'unsafe', isWhole: looks < 7 },
        problems: problems(Math.min(looks, 7)),
      });
    },
  } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.longAtEvents = 1;
  server.begin('watchSafety', WATCH, { open: [], channels: {} });
  // The server takes no more than Temporal does: 2 MiB.
  await server.end(WATCH);
  expect(server.runLengths(WATCH).length).toBeGreaterThan(7);
  // As much as there is room for is followed.
  expect(Math.min(...lengths.slice(1))).toBeGreaterThanOrEqual(200);
});
