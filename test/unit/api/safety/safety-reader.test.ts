import { expect, it, vi } from 'vitest';
import type { ListedFileBackup } from '../../../../src/api/file-backups/file-backup-store.js';
import type { JobStore } from '../../../../src/api/jobs/job-store.js';
import type { RepositoryBrowser } from '../../../../src/api/repositories/repository-browser.js';
import { SafetyReader, SERVES_MS } from '../../../../src/api/safety/safety-reader.js';
import type { RepositoryConfig } from '../../../../src/config/config.js';
import type { DeliveryFact } from '../../../../src/domain/notices/channel-health.js';
import type { ChannelJob } from '../../../../src/domain/notices/notification-channel.js';
import { NOTHING_UNCOPIED } from '../../../../src/domain/safety/uncopied-places.js';
import type { FactsPage } from '../../../../src/domain/safety/workload-facts.js';
import { UNREACHABLE } from '../../../../src/domain/targets/repository-view.js';
import type { UnreadablePart } from '../../../../src/domain/targets/unreadable-part.js';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const REFUSED: DeliveryFact = {
  ...{ channelId: 'mail', state: 'failed', startedAt: '2026-11-27T11:00:00Z' },
};

const PRIMARY = {
  ...{ id: 'primary', role: 'primary', kind: 'directory', settings: { path: '/nowhere' } },
  ...{ taskLimit: 4, workloadLimit: 10, immutableForDays: 0, settleSeconds: 60 },
  contents: 'backups',
} as unknown as RepositoryConfig;

/** A site without jobs, whose lists may fail, with one repository or none. */
class Site {
  looks = 0;
  nowMs = NOW_MS;
  lists = 0;
  unreadable: UnreadablePart[] = [];
  readonly channelJobs: ChannelJob[] = [];
  deliveries: () => Promise<DeliveryFact[]> = () => Promise.resolve([REFUSED]);
  fileBackups: () => Promise<ListedFileBackup[]> = () => Promise.resolve([]);
  readonly reader: SafetyReader;

  constructor(look?: () => Promise<FactsPage>) {
    const facts = () => {
      this.looks++;
      return look?.();
    };
    const list = () => {
      this.lists++;
      const { unreadable } = this;
      return Promise.resolve({ items: [], unreadable, standsSinceMs: new Map() });
    };
    this.reader = new SafetyReader({
      browser: { facts } as unknown as RepositoryBrowser,
      jobs: { changes: 0, list } as unknown as JobStore,
      fileBackups: { listed: () => this.fileBackups() },
      repositories: look === undefined ? [] : [PRIMARY],
      channels: {
        ids: ['mail'],
        jobs: this.channelJobs,
        deliveries: () => this.deliveries(),
      },
      now: () => this.nowMs,
      servesMs: 0,
    });
  }

  async codes(): Promise<[string, string, string][]> {
    const { safety } = await this.reader.safety();
    return safety.problems.map(({ code, severity, text }) => [code, severity, text]);
  }
}

it('looks all the same when nobody can list what the channels took, says so, and goes by the last list', async () => {
  const site = new Site();
  const failed = ['CHANNEL_FAILED', 'warning', 'notification channel mail takes nothing'];
  expect(await site.codes()).toEqual([failed]);
  site.deliveries = () => Promise.reject(new Error('broken'));
  site.nowMs += 60_000;
  expect(await site.codes()).toEqual([
    failed,
    [
      'CHANNELS_UNREAD',
      'warning',
      expect.stringMatching(/^it is not known what the notification channels took: \S/),
    ],
  ]);
});

it('does not know whether all is well while jobs or their sessions cannot be listed', async () => {
  const site = new Site();
  site.unreadable = ['jobs', 'sessions'].map((path) => ({
    ...{ path, code: 'TEMPORAL_UNREACHABLE', reason: `${path} are not known` },
  }));
  site.deliveries = () => Promise.resolve([]);
  expect(await site.codes()).toEqual([
    ['JOB_UNREAD', 'unknown', 'jobs are not known'],
    ['JOB_UNREAD', 'unknown', 'sessions are not known'],
  ]);
});

it('lists jobs again at once when the clock went back by a day', async () => {
  const site = new Site();
  await site.codes();
  await site.codes();
  expect(site.lists).toBe(1);
  site.nowMs -= 86_400_000;
  await site.codes();
  expect(site.lists).toBe(2);
});

it('tells how the last run of a file-backup job ended, and says so when that cannot be asked for', async () => {
  const site = new Site();
  site.deliveries = () => Promise.resolve([]);
  const job = {
    view: {
      ...{ id: 'share', name: 'Share', source: { repositoryId: 'primary', workload: 'w' } },
      ...{ primaryBackup: 'restic', state: 'enabled', missedStartAt: null },
    },
    lastJudged: { result: 'failed', reason: 'no key found', startedAt: '2026-11-27T01:00:00Z' },
  } as unknown as ListedFileBackup;
  site.fileBackups = () => Promise.resolve([job]);
  const failed = [
    ...['JOB_FAILED', 'warning'],
    'the last run of file-backup job Share ended with failed: no key found',
  ];
  expect(await site.codes()).toEqual([failed]);

  site.nowMs += 60_000;
  site.fileBackups = () => Promise.reject(new Error('no answer'));
  const codes = await site.codes();
  expect(codes).toContainEqual(failed);
  expect(codes).toContainEqual([
    ...['JOB_UNREAD', 'unknown'],
    expect.stringContaining('how the file-backup jobs are is not known'),
  ]);
});

it('tells of a channel for a job that there is not, and not while a list of jobs may lack it', async () => {
  const site = new Site();
  site.deliveries = () => Promise.resolve([]);
  site.channelJobs.push({ channelId: 'mail', jobId: 'share' }, { channelId: 'mail', jobId: 'x' });
  const share = {
    view: {
      ...{ id: 'share', name: 'Share', source: { repositoryId: 'primary' }, primaryBackup: null },
      ...{ state: 'enabled', missedStartAt: null },
    },
    lastJudged: null,
  } as unknown as ListedFileBackup;
  site.fileBackups = () => Promise.resolve([share]);
  const missing = [
    ...['CHANNEL_JOB_MISSING', 'warning'],
    'notification channel mail is for job x, and there is none',
  ];
  expect(await site.codes()).toEqual([missing]);
  site.nowMs += 60_000;
  site.fileBackups = () => Promise.reject(new Error('no answer'));
  expect(await site.codes()).not.toContainEqual(missing);
});

it('waits for a look that only renews what was seen a short while ago no longer than a moment', async () => {
  let endLook = (): void => {};
  let endedAt: string | null = null;
  let isSlow = false;
  const seen = {
    ...{ items: [], nextCursor: undefined, unreadable: [], uncopied: undefined },
    description: { reachable: true, reason: null, totalBytes: 2, freeBytes: 1, storage: null },
  };
  const site = new Site();
  const reader = new SafetyReader({
    browser: {
      facts: () =>
        isSlow
          ? new Promise((resolve) => {
              endLook = () => resolve(seen);
            })
          : Promise.resolve(seen),
    } as unknown as RepositoryBrowser,
    jobs: {
      changes: 0,
      list: () =>
        Promise.resolve({
          items: [{ id: 'nightly', state: 'unknown', reason: '', lastSession: { endedAt } }],
          ...{ unreadable: [], standsSinceMs: new Map(), areOutcomesKnown: true },
        }),
    } as unknown as JobStore,
    fileBackups: { listed: () => Promise.resolve([]) },
    repositories: [{ id: 'offsite', role: 'target' } as never],
    channels: { ids: [], jobs: [], deliveries: () => Promise.resolve([]) },
    now: () => site.nowMs,
    servesMs: SERVES_MS,
  });
  const ask = async (
    isPatient = false,
  ): Promise<{ seenAtMs: number | null; isPrompt: boolean }> => {
    const beganMs = performance.now();
    const [repository] = (await reader.read(isPatient)).repositories;
    return {
      seenAtMs: repository!.seenAtMs,
      isPrompt: performance.now() - beganMs < 2_000,
    };
  };
  expect(await ask()).toEqual({ seenAtMs: NOW_MS, isPrompt: true });

  isSlow = true;
  site.nowMs += 120_000;
  expect(await ask()).toEqual({ seenAtMs: NOW_MS, isPrompt: true });
  endLook();
  expect(await ask()).toEqual({ seenAtMs: NOW_MS + 120_000, isPrompt: true });

  // What was seen before the end of a session does not tell what it copied, also while somebody else's look is under way.
  endedAt = new Date(site.nowMs + 30_000).toISOString();
  site.nowMs += 60_000;
  const [first, second] = [ask(), ask()];
  setTimeout(() => endLook(), 600);
  for (const answer of [first, second]) expect((await answer).seenAtMs).toBe(NOW_MS + 180_000);

  // Nor is it told to who waits: a health check may have ended since.
  site.nowMs += 20_000;
  const patient = ask(true);
  setTimeout(() => endLook(), 600);
  expect((await patient).seenAtMs).toBe(NOW_MS + 200_000);

  // Nor does what is older than five minutes.
  site.nowMs += 6 * 60_000;
  const late = ask();
  setTimeout(() => endLook(), 600);
  expect((await late).seenAtMs).toBe(NOW_MS + 200_000 + 6 * 60_000);
});

it('says since when it is looking at what nobody has seen yet, and no more once it was seen', async () => {
  const page: FactsPage = {
    ...{ items: [], uncopied: NOTHING_UNCOPIED },
    description: { ...UNREACHABLE, reachable: true, reason: null },
  };
  let answer: (page: FactsPage) => void = () => undefined;
  const looked = new Promise<FactsPage>((resolve) => (answer = resolve));
  const site = new Site(() => looked);
  site.reader.readAhead();
  await vi.waitFor(() => expect(site.looks).toBe(1));
  site.nowMs += 8_000;
  vi.useFakeTimers();
  try {
    const first = site.reader.read();
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await first).repositories).toMatchObject([
      { id: 'primary', seenAtMs: null, firstLookSinceMs: NOW_MS },
    ]);
  } finally {
    vi.useRealTimers();
  }
  answer(page);
  const [seen] = (await site.reader.read()).repositories;
  expect(seen).toMatchObject({ id: 'primary', seenAtMs: NOW_MS + 8_000 });
  expect(seen).not.toHaveProperty('firstLookSinceMs');
  expect(site.looks).toBe(1);
});
