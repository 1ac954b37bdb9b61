import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.js';
import { choosePort } from '../../../src/temporal/server-record.js';
import { describeChangingAnswers } from '../../support/dashboard/changing-answers.js';
import { servePages } from '../../support/dashboard/served-pages.js';
import { buildPages, loadedBytes, PAGES } from '../../support/dashboard/built-pages.js';
import {
  describeDashboard,
  findAxeFaults,
  launchBrowser,
  overflowPx,
  tabTo,
  watchMisdeeds,
  type Misdeeds,
} from '../../support/dashboard/browser.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startIdentityProvider,
} from '../../support/api/identity-provider.js';
import { rawDigest } from '../../support/image/qemu-oracle.js';
import { makeLargeChain, LARGE_DISK, type LargeChain } from '../../support/session/large-chain.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { waitForWindows } from '../../support/session/staged-disk.js';
import { TestSite } from '../../support/session/test-site.js';
import { temporalBinaryPath } from '../../support/temporal/server.js';

const MAX_FIRST_PAGE_BYTES = 350 * 1_000;
const JOB = 'by-keyboard';

/** A whole server as `longhaul serve` starts it, and one page that stays open through everything that happens to it. */
describeDashboard('the dashboard in a browser', () => {
  let site: TestSite;
  let chain: LargeChain;
  let config: string;
  let server: LonghaulProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let misdeeds: Misdeeds;
  let origin: string;
  let restorePath: string;
  beforeAll(async () => {
    site = await TestSite.create();
    await mkdir(site.path('primary', 'db02'));
    chain = await makeLargeChain(site.path('primary', 'db02'), { sizeMiB: 512, seed: 'db02' });
    await buildPages();
    // Last: other tests ask the system for free ports, too.
    const [port, uiPort, apiPort] = [await freePort(), await freePort(), await freePort()];
    const temporal = { type: 'embedded', binaryPath: temporalBinaryPath(), port, uiPort } as const;
    config = await writeConfig(site, temporal, { port: apiPort });
    origin = `http://127.0.0.1:${apiPort}`;
    [server, browser] = await Promise.all([LonghaulProcess.serve(config), launchBrowser()]);
    // What is still fading in has less contrast than what stays.
    context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
    });
    misdeeds = await watchMisdeeds(context);
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    await site?.remove();
  });

  it('says on the overview that nothing is copied, and which machines', async () => {
    await page.goto(origin);
    const verdict = page.getByRole('status').filter({ hasText: 'Not safe.' });
    await verdict.waitFor();
    expect(await verdict.innerText()).toContain('db02, files01 and web01 are in no job');
  });

  it('makes a job with the keyboard alone, says it in words, and shows its plan', async () => {
    await page.goto(`${origin}/jobs`);
    await tabTo(page, 'New job');
    await page.keyboard.press('Enter');
    await page.getByText('Everything in').waitFor();
    await tabTo(page, 'Name');
    await page.keyboard.type('By keyboard');
    await tabTo(page, 'every day');
    await page.keyboard.press('ArrowUp');
    expect(await page.getByRole('radio', { name: 'only by hand' }).isChecked()).toBe(true);
    await page
      .getByText('Every restore point of everything in primary is copied to offsite')
      .waitFor();
    await tabTo(page, 'Show what it would do');
    await page.keyboard.press('Enter');
    await page.getByRole('table', { name: 'Plan' }).waitFor();
    await tabTo(page, 'Make the job');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${origin}/jobs/${JOB}`);
    const plan = page.getByRole('table', { name: 'Plan' });
    await plan.waitFor();
    expect(await plan.innerText()).toMatch(/db02[^]*a full, 2 restore points, up to 51\d/);
  });

  it('goes on by itself under the open page when the server is killed in mid-copy', async () => {
    await page.getByRole('button', { name: 'Start now' }).press('Enter');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: 'Start', exact: true })
      .press('Enter');
    await page.waitForURL(/\/sessions\/by-keyboard-\d{8}T\d{6}Z$/);
    await waitForWindows(site, JOB, 4);
    await server.kill();
    await page.getByText('The server does not answer since').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/^by-keyboard-/);

    server = await LonghaulProcess.serve(config);
    await page.getByText(/It took .*3 workloads were copied/).waitFor({ timeout: 90_000 });
    await page.getByText('The server does not answer since').waitFor({ state: 'hidden' });
    expect(
      await page.getByRole('table', { name: 'Workloads of the session' }).innerText(),
    ).toContain('what was copied before was not copied again');
    expect(await site.readBack(JOB, 'db02')).toEqual(chain.truth);
  });

  it('shows what a change of the job means before it can be saved', async () => {
    await page.goto(`${origin}/jobs/${JOB}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Keep' }).fill('9');
    expect(await page.getByRole('button', { name: 'Save the change' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Show what it would change' }).click();
    const changes = await page.getByRole('table', { name: 'Changes' }).innerText();
    expect(changes).toMatch(/retention[^]*14[^]*9[^]*may be merged or deleted/);
    await page.getByRole('table', { name: 'Plan' }).waitFor();
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.waitForURL(`${origin}/jobs/${JOB}`);
    await page.getByText('revision 2').waitFor();
    await page.getByText('The newest 9 restore points of each machine stay').waitFor();
  });

  it('restores a disk from the page of its machine, byte for byte', async () => {
    await page.goto(`${origin}/workloads`);
    await page.getByRole('link', { name: 'db02' }).click();
    await page.getByRole('link', { name: 'Restore' }).and(page.locator('.page-side a')).click();
    await page
      .getByRole('button', { name: /^Choose \w{3}, / })
      .first()
      .click();
    await page.getByRole('textbox', { name: 'Folder' }).fill(site.path('restored'));
    expect(await page.getByText('qemu-img convert').innerText()).toContain(site.path('offsite'));
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByText(/Restore: success, after/).waitFor();
    restorePath = page.url().slice(origin.length);
    const [, newest] = chain.truth;
    expect(await rawDigest(site.path('restored', `${LARGE_DISK}.qcow2`))).toBe(
      newest?.[LARGE_DISK],
    );
  });

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)(
    'is found without fault by axe on every page, none of them wider than its window (%s, %i pixels)',
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const found: string[] = [];
      for (const path of await everyPage()) {
        await page.goto(`${origin}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByText(/ …$/).first().waitFor({ state: 'hidden' });
        for (const fault of await findAxeFaults(page)) found.push(`${path}: ${fault}`);
        if ((await overflowPx(page)) > 0) found.push(`${path}: wider than its window`);
      }
      expect(found).toEqual([]);
    },
  );

  it('shows on a narrow screen whether the newest day was copied, before anybody scrolls', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(origin);
    const days = page.getByRole('group', { name: 'Grid of days' });
    const newest = (await days.getByRole('columnheader').last().boundingBox())!;
    const oldest = (await days.getByRole('columnheader').nth(1).boundingBox())!;
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(newest.x + newest.width).toBeLessThanOrEqual(390);
    // Else everything fits, and this says nothing.
    expect(oldest.x).toBeLessThan(0);
  });

  it('runs the API pages under the same policy, with a place for each error code', async () => {
    await page.goto(`${origin}/docs#REPOSITORY_FULL`);
    await page.locator('#REPOSITORY_FULL').waitFor();
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('960px');
  });

  it('says in full what a command will do before it is given, in a dialog without fault', async () => {
    await page.goto(`${origin}/jobs/${JOB}`);
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete By keyboard' });
    expect(await dialog.innerText()).toMatch(
      /No restore point is deleted[^]*longhaul job delete by-keyboard/,
    );
    expect(await findAxeFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  it('asks for the token where the server wants one, and keeps it in its tab alone', async () => {
    const guarded = await servePages('secret-token');
    const tab = await context.newPage();
    await tab.goto(`${guarded.origin}/system`);
    const field = tab.getByLabel('Token of this server');
    await field.fill('wrong');
    await tab.keyboard.press('Enter');
    await tab.getByText('The server did not take this token.').waitFor();
    await field.fill('secret-token');
    await tab.keyboard.press('Enter');
    await tab.getByRole('heading', { name: 'Settings in force' }).waitFor();
    expect(
      await tab.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])'),
    ).toBe('[{},{"longhaul.token":"secret-token"},""]');
    await tab.close();
    await guarded.close();
  });

  it('lets somebody sign in, shows who he is and that he may not, and lets him out', async () => {
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const anna = { preferred_username: 'anna', groups: ['operators'] };
    const people = { 'sub-anna': anna, 'sub-bert': {} };
    const provider = await startIdentityProvider(people, `${publicUrl}/sign-in/callback`);
    const settings = parseConfig(
      JSON.stringify({
        repositories: [{ id: 'offsite', path: '/mnt', role: 'target' }],
        server: {
          tokenFile: 'token',
          signIn: {
            issuer: provider.issuer,
            clientId: CLIENT_ID,
            publicUrl,
            roles: { operator: ['operators'] },
          },
        },
      }),
      { name: 'test', folder: '/etc', environment: {} },
    ).server.signIn!;
    const served = { settings, clientSecret: CLIENT_SECRET, port };
    const guarded = await servePages('secret-token', PAGES, served);
    const tab = await context.newPage();
    await tab.goto(`${publicUrl}/access`);
    await tab.getByRole('link', { name: 'Sign in' }).waitFor();
    expect(await findAxeFaults(tab)).toEqual([]);
    provider.signInAs('sub-bert');
    await tab.getByRole('link', { name: 'Sign in' }).click();
    await tab.getByText('ROLE_MISSING').waitFor();
    expect(await findAxeFaults(tab)).toEqual([]);
    await context.clearCookies();
    provider.signInAs('sub-anna');
    await tab.goto(`${publicUrl}/access`);
    await tab.getByRole('link', { name: 'Sign in' }).click();
    await tab.getByText('operator: sees, starts').waitFor();
    expect(tab.url()).toBe(`${publicUrl}/access`);
    const side = tab.getByRole('navigation', { name: 'Pages' });
    expect(await side.innerText()).toMatch(/anna\s+operator/);
    await tab.goto(`${publicUrl}/new-job`);
    const refused = 'You cannot do this: anna is operator; this needs administrator.';
    await tab.getByText(refused).first().waitFor();
    await side.getByRole('button', { name: 'Sign out' }).click();
    await tab.getByRole('link', { name: 'Sign in' }).waitFor();
    await tab.close();
    await guarded.close();
    await provider.close();
  });

  describeChangingAnswers(() => context);

  it('has left beside the copies who changed the job, in order, also over the kill', async () => {
    const folder = site.path('offsite', JOB, '.audit');
    const operations = async (): Promise<string[]> => {
      const names = (await readdir(folder).catch(() => [])).sort();
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
      const lines = texts
        .join('')
        .split('\n')
        .filter((line) => line !== '');
      return lines.map((line) => {
        const { who, operation, outcome } = JSON.parse(line) as Record<string, string>;
        return `${who} ${operation} ${outcome}`;
      });
    };
    await expect
      .poll(operations)
      .toEqual(
        ['createJob', 'startJob', 'updateJob'].map((operation) => `this machine ${operation} done`),
      );
  });

  it('did nothing that its policy forbids, asked no other host, and met no error of its own', () => {
    expect(misdeeds).toEqual({ violations: [], foreign: [], errors: [] });
  });

  it('shows its first page after less than 350 kB', async () => {
    expect(await loadedBytes('pages/overview/overview-page.tsx')).toBeLessThan(
      MAX_FIRST_PAGE_BYTES,
    );
  });

  /** Each page with something on it. */
  async function everyPage(): Promise<string[]> {
    const { id, repositoryId } = await firstWorkload();
    const sessions = (await apiItems('/sessions')) as { id: string }[];
    const workload = encodeURIComponent(id);
    const points = (await apiItems(
      `/repositories/offsite/restore-points?workload=${workload}`,
    )) as { id: string }[];
    const chosen = `/restore?repository=offsite&workload=${workload}`;
    return [
      '/',
      '/workloads',
      `/workloads/${repositoryId}?id=${workload}`,
      '/jobs',
      '/new-job',
      `/jobs/${JOB}`,
      `/jobs/${JOB}/edit`,
      '/file-backup-jobs',
      `/file-backup-jobs/${await fileBackupJob()}`,
      '/sessions',
      `/sessions/${sessions[0]?.id}`,
      '/restore',
      chosen,
      `${chosen}&point=${encodeURIComponent(points[0]?.id ?? '')}`,
      restorePath,
      '/repositories',
      '/health',
      '/notifications',
      '/access',
      '/system',
      '/no/such/page',
    ];
  }

  /** One that starts only by hand.
   *  @returns its id */
  async function fileBackupJob(): Promise<string> {
    const job = {
      name: 'Shares',
      source: { repositoryId: 'primary', workload: 'restic-shares' },
      secondaryTargets: [{ repositoryId: 'offsite', schedule: { type: 'manual' } }],
    };
    const { status } = await fetch(`${origin}/api/v1/file-backup-jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(job),
    });
    // It is there already when the pages are looked at in another size.
    expect([201, 409]).toContain(status);
    return 'shares';
  }

  async function firstWorkload() {
    const [first] = (await apiItems('/workloads')) as { id: string; repositoryId: string }[];
    return first!;
  }

  async function apiItems(path: string): Promise<unknown[]> {
    const { items } = (await (await fetch(`${origin}/api/v1${path}`)).json()) as {
      items: unknown[];
    };
    return items;
  }
});

function freePort(): Promise<number> {
  return choosePort(0, null);
}
