import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeReport, type BenchReport } from '../../../bench/report.js';

const REPORT: BenchReport = {
  date: '2026-11-24T22:00:00.000Z',
  command: 'npm run bench',
  machine: ['2 cores'],
  data: 'a disk',
  goals: [
    { goal: 'merge / commit', measured: '2.00', limit: '≤ 1.50', state: 'missed', note: '1–3' },
  ],
  cases: [],
};

describe('writeReport', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-report-'));
    path = join(folder, 'doc.md');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('puts the results between the marks, in place of earlier ones, and keeps the text around them', async () => {
    await writeFile(
      path,
      'before\n<!-- Made by `npm run bench` from here -->\nold\n<!-- to here -->\nafter\n',
    );
    await writeReport(path, REPORT, 'usual');
    await writeReport(path, REPORT, 'usual');
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^before\n<!-- Made/);
    expect(text).toMatch(/<!-- to here -->\nafter\n$/);
    expect(text).not.toContain('old');
    const row = '| merge / commit | ≤ 1.50 | 2.00 | 1–3 | **missed** |';
    expect(text.split('\n').filter((line) => line === row)).toHaveLength(1);
  });

  it('leaves what the long run has measured where it is, with its date, and that of the usual one', async () => {
    const part = (command: string) =>
      `<!-- Made by \`${command}\` from here -->\n<!-- to here -->\n`;
    await writeFile(path, `${part('npm run bench')}between\n${part('npm run bench -- --full')}`);
    const long = {
      ...REPORT,
      date: '2026-11-20T01:02:00.000Z',
      command: 'npm run bench -- --full',
    };
    await writeReport(path, long, 'full');
    await writeReport(path, REPORT, 'usual');
    const [usual, full] = (await readFile(path, 'utf8')).split('between');
    expect(usual).toContain('Measured 2026-11-24 22:00 UTC by `npm run bench`.');
    expect(full).toContain('Measured 2026-11-20 01:02 UTC by `npm run bench -- --full`.');
    await writeReport(path, { ...long, date: '2026-11-25T01:02:00.000Z' }, 'full');
    expect((await readFile(path, 'utf8')).split('between')[0]).toBe(usual);
  });

  it('refuses a document without the marks', async () => {
    await writeFile(path, 'nothing\n');
    await expect(writeReport(path, REPORT, 'usual')).rejects.toThrow('lacks the marks');
    await expect(writeReport(path, REPORT, 'full')).rejects.toThrow('lacks the marks');
  });

  it('finds the marks of both runs in docs/PERFORMANCE.md', async () => {
    await copyFile('docs/PERFORMANCE.md', path);
    for (const kind of ['usual', 'full'] as const) await writeReport(path, REPORT, kind);
    expect((await readFile(path, 'utf8')).match(/^Measured 2026-11-24 22:00/gm)).toHaveLength(2);
  });
});
