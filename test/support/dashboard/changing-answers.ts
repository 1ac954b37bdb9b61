import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servePages } from './served-pages.js';

const NOTHING_PLANNED = {
  ...{ algorithm: 'none', restorePoints: [], estimatedBytes: null, reasons: [], lookAgainAt: null },
  ...{ retention: { keep: [], actions: [], warnings: [] }, omitted: 0 },
};

const EDITED_JOB = {
  ...{ id: 'new', name: 'New', description: '', revision: 3, mode: 'periodic' },
  sources: { include: [{ repositoryId: 'one' }], exclude: [] },
  target: { repositoryId: 'two' },
  ...{ restorePoints: 'all', retention: { type: 'restorePoints', value: 14 }, gfs: null },
  ...{ timeZone: 'UTC', schedule: { type: 'manual' }, missedStarts: 'run', allowedHours: null },
  ...{ transactionLogs: false, retry: { attempts: 3, pausesMinutes: [10] } },
  ...{ onSourceChainRecreated: 'requireNewJob', storage: { digest: 'sha256' } },
  ...{ healthCheck: null, compact: null, rpo: null, removedWorkloadsAfterDays: null },
  ...{ replaces: null, state: 'enabled', nextRunAt: null, lastSession: null, nextTryAt: null },
  undecidedSessionId: null,
  ...{ skippedStarts: 0, missedStartAt: null },
};

/** Whatever is asked of it. */
const isPath = (path: string) => (url: URL) => url.pathname === `/api/v1${path}`;

/** Pages that are built, over answers made up here: what is on the screen when the next one differs, or does not come. */
export function describeChangingAnswers(context: () => BrowserContext): void {
  describe('over answers that change under it', () => {
    let tab: Page;
    let served: Awaited<ReturnType<typeof servePages>>;
    beforeAll(async () => {
      served = await servePages(null);
      tab = await context().newPage();
    });
    afterAll(async () => {
      await tab?.close();
      await served?.close();
    });
    const answer = (path: string, json: object, status = 200) =>
      tab.route(`**/api/v1${path}`, (route) => route.fulfill({ status, json }));

    /** As when somebody comes back to the tab, once what it knows is no longer fresh. */
    async function lookAgain(path: string): Promise<void> {
      await tab.waitForTimeout(2_100);
      const read = tab.waitForResponse(`**/api/v1${path}`, { timeout: 1_000 });
      await tab.evaluate("window.dispatchEvent(new Event('visibilitychange'))");
      await read.catch(() => undefined);
      await tab.waitForTimeout(100);
    }

    it('keeps what was chosen and typed in a new job while no target is chosen', async () => {
      const places = ['one', 'two', 'three'];
      const items = places.map((id, at) => ({
        id,
        role: at === 0 ? 'primary' : 'target',
        place: id,
      }));
      await answer('/repositories', { items });
      await tab.goto(`${served.origin}/new-job`);
      await tab.getByRole('checkbox', { name: 'two (target, two)' }).check();
      await tab.getByLabel('In the time zone').fill('Asia/Tokyo');
      await answer('/repositories', { items: items.map((item) => ({ ...item, freeBytes: 1 })) });
      await lookAgain('/repositories');
      expect(await tab.getByRole('checkbox', { name: 'two (target, two)' }).isChecked()).toBe(true);
      expect(await tab.getByLabel('In the time zone').inputValue()).toBe('Asia/Tokyo');
    });

    it('says that a plan which comes in pages goes on, and shows the next one', async () => {
      const planned = (workload: string, nextCursor?: string) => ({
        workloads: [{ ...NOTHING_PLANNED, workload }],
        ...(nextCursor === undefined ? {} : { nextCursor }),
      });
      await answer('/schedules/preview', { times: [] });
      await tab.route(isPath('/plans'), (route) => {
        const cursor = new URL(route.request().url()).searchParams.get('cursor');
        const json = cursor === 'after-web01' ? planned('db02') : planned('web01', 'after-web01');
        return route.fulfill({ json });
      });
      await tab.getByLabel('Name').fill('Many');
      await tab.getByRole('combobox', { name: /^Target/ }).selectOption('three');
      await tab.getByRole('button', { name: 'Show what it would do' }).click();
      await tab.getByText('These are the first 1 workload; more follow').waitFor();
      await tab.getByRole('button', { name: 'Show the next workloads' }).click();
      const plan = tab.getByRole('table', { name: 'Plan' });
      await plan.getByText('db02').waitFor();
      expect(await plan.innerText()).toContain('web01');
      expect(await tab.getByText('more follow').count()).toBe(0);
    });

    it('shows no simulation of another change, nor the plan of an earlier definition', async () => {
      const outcome = { sessions: 3, gone: [], left: [], days: [], warnings: [] };
      const simulation = { workload: 'web01', days: 90, basis: 'schedule' };
      await answer('/jobs/new', EDITED_JOB);
      await answer('/jobs/new/simulation', {
        ...{ ...simulation, present: outcome, wanted: outcome },
      });
      await tab.goto(`${served.origin}/jobs/new/edit`);
      await tab.getByRole('textbox', { name: 'Keep' }).fill('9');
      await tab.getByRole('button', { name: 'Show what would stay' }).click();
      await tab.getByText('With the change').waitFor();
      await tab.getByRole('textbox', { name: 'Keep' }).fill('8');
      expect(await tab.getByText('With the change').count()).toBe(0);

      // Of a job of this name the page is no form.
      await answer('/sessions?jobId=new', { items: [] });
      await answer('/jobs/new/plan', { workloads: [{ ...NOTHING_PLANNED, workload: 'web01' }] });
      await tab.goto(`${served.origin}/jobs/new`);
      await tab.getByRole('table', { name: 'Plan' }).getByText('web01').waitFor();
      await answer('/jobs/new/plan', { workloads: [{ ...NOTHING_PLANNED, workload: 'db02' }] });
      const missedStartAt = '2026-11-26T22:00:00.000Z';
      await answer('/jobs/new', { ...EDITED_JOB, revision: 4, missedStartAt });
      await lookAgain('/jobs/new');
      await tab.getByRole('table', { name: 'Plan' }).getByText('db02').waitFor();
      await tab.getByText('when it should have').waitFor();
    });

    it('says of each workload that waits for a decision what can be decided, and does it', async () => {
      const task = (workloadId: string, code: string | null) => ({
        ...{ workload: `The ${workloadId}`, workloadId, code, reason: `seen of ${workloadId}` },
        result: code === null ? 'success' : 'actionRequired',
      });
      const undecidedSessionId = 'session-3';
      await answer('/jobs/new', { ...EDITED_JOB, state: 'actionRequired', undecidedSessionId });
      await answer('/sessions/session-3', {
        id: 'session-3',
        startedAt: '2026-11-26T22:00:00.000Z',
        taskCounts: { actionRequired: 5 },
        tasks: [
          task('db', 'SOURCE_CHAIN_RECREATED'),
          task('vault', 'SOURCE_SUSPICIOUS'),
          task('depot', 'COPIES_OF_OTHER_JOB'),
          task('web', null),
        ],
      });
      let started: unknown = null;
      await tab.route(isPath('/jobs/new/start'), (route) => {
        started = route.request().postDataJSON();
        return route.fulfill({ status: 202, json: { sessionId: 'session-4' } });
      });
      await tab.goto(`${served.origin}/jobs/new`);
      const found = (id: string) => tab.getByRole('group').filter({ hasText: `seen of ${id}` });
      await found('db').getByRole('button', { name: 'Detach' }).waitFor();
      await found('depot').getByRole('button', { name: 'Take them over' }).waitFor();
      await tab.getByRole('button', { name: 'Replace the job' }).waitFor();
      await tab.getByText('2 more workloads wait').waitFor();
      expect(await found('web').count()).toBe(0);
      await found('vault').getByRole('button', { name: 'This was meant' }).click();
      await tab.getByText('longhaul job start new --workload vault --accept-changes').waitFor();
      const dialog = tab.getByRole('dialog', { name: 'Go on with what was found' });
      await dialog.getByRole('button', { name: 'This was meant' }).click();
      await tab.waitForURL('**/sessions/session-4');
      expect(started).toEqual({ workloads: ['vault'], acceptChanges: true });
    });

    it('reads again what an event of the site tells of, when it comes', async () => {
      await answer('/jobs', { items: [EDITED_JOB] });
      let tell = (): void => undefined;
      const told = new Promise<void>((resolve) => (tell = resolve));
      await tab.route(isPath('/events'), async (route) => {
        await told;
        const body = 'event: jobChanged\ndata: {}\n\n';
        await route.fulfill({ contentType: 'text/event-stream', body }).catch(() => undefined);
      });
      await tab.goto(`${served.origin}/jobs`);
      const jobs = tab.getByRole('table', { name: 'Jobs' });
      await jobs.getByRole('link', { name: 'New' }).waitFor();
      await answer('/jobs', { items: [{ ...EDITED_JOB, name: 'Renamed' }] });
      tell();
      // Sooner than the list is asked for by itself.
      await jobs.getByText('Renamed').waitFor({ timeout: 3_000 });
    });

    it('is not green any more when what it knew cannot be read again', async () => {
      const clauses = [{ about: 'coverage', state: 'good', text: 'all is well' }];
      await answer('/workloads', { items: [], asOf: null });
      await answer('/overview', {
        ...{
          asOf: null,
          problems: [],
          omittedProblems: 0,
          running: [],
          next: [],
          repositories: [],
        },
        ...{
          counts: { workloads: 3, restorePoints: 9, keptWorkloads: 3, leftoverRestorePoints: 0 },
        },
        verdict: { state: 'safe', clauses, since: null },
      });
      await tab.goto(served.origin);
      const verdict = tab.locator('.verdict');
      await tab.getByText('Safe. All is well.').waitFor();
      expect(await verdict.getAttribute('data-mood')).toBe('good');
      await answer('/overview', { code: 'TEMPORAL_UNREACHABLE', detail: 'no answer' }, 503);
      await lookAgain('/overview');
      await tab.getByText('Not known now. When it was last asked: Safe.').waitFor();
      expect(await verdict.getAttribute('data-mood')).toBe('unknown');
    });

    it('keeps what somebody looks for in sight, however many sessions run and start', async () => {
      const many = Array.from({ length: 100 }, (_, index) => `job-${index}`);
      const counts = { waiting: 0, running: 1, success: 0, warning: 0, failed: 0, stopped: 0 };
      await answer('/workloads', { items: [], asOf: null });
      await answer('/overview', {
        ...{ asOf: null, problems: [], omittedProblems: 0, repositories: [], omittedRunning: 7 },
        counts: { workloads: 3, restorePoints: 9, keptWorkloads: 3, leftoverRestorePoints: 0 },
        verdict: {
          ...{ state: 'safe', since: null },
          clauses: [{ about: 'coverage', state: 'good', text: 'all is well' }],
        },
        running: many.map((id) => ({
          ...{ id, state: 'running', result: null },
          progress: { percent: 0, totalBytes: 0, etaSeconds: null },
          taskCounts: { ...counts, actionRequired: 0, nothingToCopy: 0 },
        })),
        next: many.map((jobId, index) => ({
          ...{ of: index < 90 ? 'copyJob' : 'fileBackupJob', jobId, jobName: jobId },
          timeZone: 'UTC',
          at: '2026-11-26T22:00:00.000Z',
        })),
      });
      await tab.goto(served.origin);
      await tab.getByRole('link', { name: '99 more run' }).waitFor();
      await tab
        .getByRole('link', { name: '82 more start within a day; the list of jobs' })
        .waitFor();
      const backups = tab.getByRole('link', {
        name: '10 more start within a day; the list of file',
      });
      expect(await backups.getAttribute('href')).toBe('/file-backup-jobs');
      const height = await tab.evaluate('document.documentElement.scrollHeight');
      expect(height).toBeLessThan(2_000);
    });

    it('keeps its frame, and says so, when a page cannot be loaded after an update', async () => {
      await tab.route('**/notifications-page*.js', (route) => route.fulfill({ status: 404 }));
      await tab.getByRole('link', { name: 'Notifications' }).click();
      await tab.getByRole('button', { name: 'Load it again' }).waitFor();
      await tab.getByRole('link', { name: 'Overview' }).click();
      await tab.getByRole('heading', { name: 'Overview' }).waitFor();
    });
  });
}
