import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { describe, inject } from 'vitest';

const CHROMIUM = '/usr/bin/chromium-headless-shell';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

if (!existsSync(CHROMIUM)) {
  const text = `${CHROMIUM} is not there: apt-get install chromium-headless-shell`;
  if (process.env['CI'] !== undefined) throw new Error(text);
  console.warn(`\nTests that open the dashboard are skipped.\n${text}\n`);
}

/** `describe` for tests that open the dashboard of a real server: skipped, and counted as skipped, without Chromium or Temporal; with `CI` set they fail. */
export const describeDashboard = describe.skipIf(
  !existsSync(CHROMIUM) || inject('temporalAddress') === null,
);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page must never do, of all pages of a context. */
export interface Misdeeds {
  /** Of the content security policy. */
  readonly violations: string[];
  /** Addresses elsewhere that were asked for. */
  readonly foreign: string[];
  /** Errors that nothing caught. */
  readonly errors: string[];
}

export async function watchMisdeeds(context: BrowserContext): Promise<Misdeeds> {
  const misdeeds: Misdeeds = { violations: [], foreign: [], errors: [] };
  await context.exposeBinding('reportViolation', (_source, text: string) => {
    misdeeds.violations.push(text);
  });
  await context.addInitScript(
    `addEventListener('securitypolicyviolation', (event) =>
      reportViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));`,
  );
  context.on('request', (request) => {
    if (!request.url().startsWith('http://127.0.0.1:')) misdeeds.foreign.push(request.url());
  });
  context.on('weberror', (error) => misdeeds.errors.push(String(error.error())));
  return misdeeds;
}

/** What axe finds against WCAG 2.1 AA and its best practices, one line each; the script of axe runs outside the page's policy. */
export async function findAxeFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) =>
      id + ': ' + nodes.slice(0, 3).map(({ target, failureSummary }) => target.join(' ') + ' ' + failureSummary).join(' | ')))`);
}

/** Pixels by which the page is wider than its window. */
export function overflowPx(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}

/** Presses Tab until the element with this name has the focus. @throws when it never gets it */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(
      `(() => { const at = document.activeElement;
        return at.getAttribute('aria-label') ?? at.labels?.[0]?.innerText ?? at.innerText ?? ''; })()`,
    );
    if (focused.replaceAll(/\s+/g, ' ').trim().replace(/ \*$/, '') === name) return;
  }
  throw new Error(`no number of presses of Tab leads to ${name}`);
}
