import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servePages } from './served-pages.js';

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
      await tab.goto(`${served.origin}/jobs/new`);
      await tab.getByRole('checkbox', { name: 'two (target, two)' }).check();
      await tab.getByLabel('In the time zone').fill('Asia/Tokyo');
      await answer('/repositories', { items: items.map((item) => ({ ...item, freeBytes: 1 })) });
      await lookAgain('/repositories');
      expect(await tab.getByRole('checkbox', { name: 'two (target, two)' }).isChecked()).toBe(true);
      expect(await tab.getByLabel('In the time zone').inputValue()).toBe('Asia/Tokyo');
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

    it('keeps its frame, and says so, when a page cannot be loaded after an update', async () => {
      await tab.route('**/notifications-page*.js', (route) => route.fulfill({ status: 404 }));
      await tab.getByRole('link', { name: 'Notifications' }).click();
      await tab.getByRole('button', { name: 'Load it again' }).waitFor();
      await tab.getByRole('link', { name: 'Overview' }).click();
      await tab.getByRole('heading', { name: 'Overview' }).waitFor();
    });
  });
}
