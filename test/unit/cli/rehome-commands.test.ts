import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

const OPERATION = {
  ...{ id: 'map.offsite.old:ovirt-mail01', kind: 'map', repositoryId: 'offsite' },
  ...{ startedAt: '2026-11-24T22:00:00.000Z', endedAt: '2026-11-24T22:00:01.000Z', live: true },
  ...{ state: 'ended', result: 'success', processedBytes: 0, totalBytes: 0, code: null },
  ...{ reason: null, notes: [], omittedNotes: 0 },
};
const MAIL = {
  ...{ id: 'ovirt-mail01', name: 'mail01', type: 'ovirt', restorePointCount: 4, problem: null },
  newestAt: '2026-11-24T22:00:00.000Z',
};

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
  const started = { status: 202, body: { operationId: OPERATION.id } };
  bench.answer({
    'GET /jobs/nightly': { body: { id: 'nightly', target: { repositoryId: 'offsite' } } },
    'GET /repositories/offsite/workloads': {
      body: {
        items: [
          { ...MAIL, jobId: 'old' },
          { ...MAIL, jobId: 'nightly', restorePointCount: 9 },
        ],
      },
    },
    'POST /jobs/nightly/map': started,
    'POST /jobs/nightly/detach': started,
    [`GET /operations/${encodeURIComponent(OPERATION.id)}`]: { body: OPERATION },
  });
});
afterEach(() => bench.close());

describe('copies that get another job', () => {
  it.each([
    [['map', 'nightly', 'old', 'mail01'], 'map', { fromJobId: 'old', workload: 'mail01' }, '4'],
    [['detach', 'nightly', 'mail01'], 'detach', { workload: 'mail01' }, '9'],
  ])('are shown before, and moved with --yes alone: %j', async (words, verb, body, count) => {
    const shown = await bench.run(['job', ...words]);
    expect([shown.code, shown.out.includes('repeat it with --yes')]).toEqual([4, true]);
    expect(shown.out).toContain(`${count} restore points`);
    expect(bench.seen.some(({ method }) => method === 'POST')).toBe(false);
    expect((await bench.run(['job', ...words, '--yes'])).code).toBe(0);
    const order = bench.seen.find(({ method }) => method === 'POST')!;
    expect([order.path, order.body]).toEqual([`/jobs/nightly/${verb}`, body]);
  });

  it('that are not there are not found, before anything is ordered', async () => {
    expect((await bench.run(['job', 'map', 'nightly', 'old', 'web01'])).code).toBe(3);
    expect((await bench.run(['job', 'detach', 'nightly', 'web01'])).code).toBe(3);
    expect(bench.seen.some(({ method }) => method === 'POST')).toBe(false);
  });
});
