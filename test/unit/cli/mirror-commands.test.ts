import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MirrorJobView } from '../../../src/api/mirrors/mirror-schemas.js';
import { openCommandBench, type CommandBench } from './command-bench.js';

const JOB: MirrorJobView = {
  ...{ id: 'site-b', name: 'Site B', description: '', revision: 1, timeZone: 'UTC' },
  source: { repositoryId: 'store-a' },
  target: { repositoryId: 'store-b' },
  ...{ schedule: null, missedStarts: 'run', allowedHours: null, rpo: null, healthCheck: null },
  ...{ keepRemovedForDays: 21, state: 'enabled', nextRunAt: null, lastSession: null },
};

let bench: CommandBench;
beforeAll(async () => {
  bench = await openCommandBench();
});
afterAll(() => bench.close());

it('creates a mirror job from flags', async () => {
  bench.answer({ 'POST /mirror-jobs': { status: 201, body: JOB } });
  const { code, out } = await bench.run([
    ...['mirror-job', 'create', '--name', 'Site B', '--source', 'store-a', '--target', 'store-b'],
    ...['--keep-removed-days', '30', '--schedule', 'daily 22:00', '--max-lag', '4'],
  ]);
  expect(code).toBe(0);
  expect(bench.seen.at(-1)?.body).toEqual({
    name: 'Site B',
    source: { repositoryId: 'store-a' },
    target: { repositoryId: 'store-b' },
    schedule: { type: 'daily', time: '22:00' },
    keepRemovedForDays: 30,
    rpo: { maxLagHours: 4 },
  });
  expect(out).toMatch(/Copies +as files are closed/);
  expect(out).toMatch(/Age limits +none/);
  expect(out).toMatch(/Health check +when it is asked for/);
  expect(out).toMatch(/Removed files +stay until 21 days after they were written/);
});

it('lists mirror jobs with their pairs', async () => {
  bench.answer({ 'GET /mirror-jobs': { body: { items: [JOB] } } });
  const { out } = await bench.run(['mirror-job', 'list']);
  expect(out).toMatch(/site-b +store-a +store-b +enabled +as files are closed/);
});

it('names the jobs of which it is not known whether they are mirror jobs', async () => {
  const part = { path: 'jobs/site-c', code: 'TEMPORAL_UNREACHABLE', reason: 'no answer' };
  bench.answer({ 'GET /mirror-jobs': { body: { items: [JOB], unreadable: [part] } } });
  const { code, out, err } = await bench.run(['mirror-job', 'list']);
  expect([code, out.includes('site-b')]).toEqual([0, true]);
  expect(err).toMatch(/jobs\/site-c +TEMPORAL_UNREACHABLE +no answer/);
});

it('refuses flags that name no pair before it asks the server', async () => {
  const before = bench.seen.length;
  const { code, err } = await bench.run(['mirror-job', 'create', '--name', 'x', '--source', 'a']);
  expect([code, bench.seen.length]).toEqual([2, before]);
  expect(err).toContain('--name, --source and --target are needed');
});
