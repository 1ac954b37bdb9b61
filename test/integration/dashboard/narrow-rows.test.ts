import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDashboard, launchBrowser } from '../../support/dashboard/browser.js';

const STYLE = new URL('../../../src/dashboard/dashboard.css', import.meta.url);

/** A row as `Rows` makes it, with cells of several parts. */
const ROW = `<div class="row">
  <div class="cell" data-head="Newest at the source">2 h ago</div>
  <div class="cell" data-head="Jobs"><span>a-job-with-a-long-name-of-two-lines, </span><span id="second">other</span></div>
  <div class="cell" data-head="Try"><button>Test</button><button id="button" style="overflow: hidden">Rehearse</button></div>
</div>`;

interface Places {
  readonly firstTop: number;
  readonly labelBottom: number;
  readonly lefts: readonly number[];
  readonly isCut: boolean;
}

describeDashboard('rows in a narrow window', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  it('let no state lie on the next column', async () => {
    const page = await browser.newPage({ viewport: { width: 1024, height: 800 } });
    const cells = `<div class="row" style="grid-template-columns: 60px 60px">
      <div class="cell"><span class="state">needs a decision</span></div><div class="cell">never</div></div>`;
    await page.setContent(`<style>${await readFile(STYLE, 'utf8')}</style>${cells}`);
    const overlapPx = await page.evaluate<number>(`(() => {
      const [first, second] = document.querySelectorAll('.cell');
      return first.firstElementChild.getBoundingClientRect().right - second.getBoundingClientRect().left;
    })()`);
    expect(overlapPx).toBeLessThanOrEqual(0);
  });

  it('keep all parts of a cell beside its head on a phone, and cut none off', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    await page.setContent(`<style>${await readFile(STYLE, 'utf8')}</style>${ROW}`);
    const places = await page.evaluate<Places>(`(() => {
      const [first, jobs] = document.querySelectorAll('.cell');
      const button = document.getElementById('button');
      const left = (element) => element.getBoundingClientRect().left;
      return {
        firstTop: first.getBoundingClientRect().top,
        labelBottom: jobs.getBoundingClientRect().top,
        lefts: ['second', 'button'].map((id) => left(document.getElementById(id)) - left(first)),
        isCut: button.scrollWidth > button.clientWidth,
      };
    })()`);
    const headPx = 100;
    for (const left of places.lefts) expect(left).toBeGreaterThanOrEqual(headPx);
    expect(places.isCut).toBe(false);
    // A head of two lines makes its cell as high.
    expect(places.labelBottom - places.firstTop).toBeGreaterThan(24);
  });
});
