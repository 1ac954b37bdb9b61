import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
    await writeReport(path, REPORT);
    await writeReport(path, REPORT);
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^before\n<!-- Made/);
    expect(text).toMatch(/<!-- to here -->\nafter\n$/);
    expect(text).not.toContain('old');
    const row = '| merge / commit | ≤ 1.50 | 2.00 | 1–3 | **missed** |';
    expect(text.split('\n').filter((line) => line === row)).toHaveLength(1);
  });

  it('refuses a document without the marks', async () => {
    await writeFile(path, 'nothing\n');
    await expect(writeReport(path, REPORT)).rejects.toThrow('lacks the marks');
  });
});
