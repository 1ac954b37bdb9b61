import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB, openCommandBench, type CommandBench } from './command-bench.js';

const PLAN = { workloads: [] };

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

function answer(changes: readonly object[], needsLook: boolean, job: object = JOB): void {
  bench.answer({
    'GET /jobs/nightly': { body: job },
    'POST /jobs/nightly/changes': { body: { revision: 3, changes, needsLook } },
    'POST /plans': { body: PLAN },
    'PUT /jobs/nightly': { body: job },
  });
}

const NAME = { field: 'name', before: 'Nightly', after: 'New', effect: 'none', text: null };
const KEEP = {
  field: 'retention',
  before: { type: 'days', value: 30 },
  after: { type: 'days', value: 5 },
  effect: 'mayDelete',
  text: 'restore points that are kept now may be merged or deleted',
};

describe('job edit', () => {
  it('sends the whole definition with what was named, for the revision that was shown', async () => {
    answer([NAME], false);
    const { code, out } = await bench.run(['job', 'edit', 'nightly', '--name', 'New']);
    expect(code).toBe(0);
    expect(out).toContain('"Nightly"');
    const put = bench.seen.find(({ method }) => method === 'PUT');
    expect(put?.headers['if-match']).toBe('3');
    expect(put?.body).toMatchObject({ id: 'nightly', name: 'New', schedule: JOB.schedule });
    expect(Object.keys(put?.body as object)).not.toContain('lastSession');
  });

  it('shows the plan of what may delete copies, and changes nothing without --yes', async () => {
    answer([KEEP], true);
    const shown = await bench.run(['job', 'edit', 'nightly', '--keep-days', '5']);
    expect(shown.code).toBe(4);
    expect(shown.out).toContain('restore points that are kept now');
    expect(shown.out).toContain('repeat it with --yes');
    expect(bench.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /jobs/nightly',
      'POST /jobs/nightly/changes',
      'POST /plans',
    ]);
    const done = await bench.run(['job', 'edit', 'nightly', '--keep-days', '5', '--yes']);
    expect([done.code, bench.seen.at(-1)?.method]).toEqual([0, 'PUT']);
  });

  it('changes nothing with --dry-run, and sends nothing when nothing differs', async () => {
    answer([NAME], false);
    expect((await bench.run(['job', 'edit', 'nightly', '--name', 'x', '--dry-run'])).code).toBe(0);
    answer([], false);
    const { out } = await bench.run(['job', 'edit', 'nightly', '--name', 'Nightly']);
    expect(out).toContain('Nothing differs.');
    expect(bench.seen.some(({ method }) => method === 'PUT')).toBe(false);
  });

  it.each<[string, string[], object]>([
    ['limits one by one', ['--max-lag', '4'], { rpo: { maxCopyAgeHours: 26, maxLagHours: 4 } }],
    [
      'retries one by one',
      ['--retry-attempts', '0'],
      { retry: { attempts: 0, pausesMinutes: [10] } },
    ],
    ['exclusions away', ['--exclude-nothing'], { sources: { exclude: [] } }],
    ['GFS off, its fulls staying', ['--gfs-off'], { gfs: null }],
    ['GFS off with its fulls', ['--gfs-off', '--release-gfs-fulls'], { gfs: null, endedGfs: null }],
    ['hours away', ['--allowed-hours', 'none'], { allowedHours: null }],
    ['the way to start', ['--immediate'], { mode: 'immediate', schedule: { type: 'manual' } }],
    [
      'the zone of the job with all that goes by it',
      ['--time-zone', 'Europe/Prague'],
      { timeZone: 'Europe/Prague', schedule: { type: 'daily', time: '22:00' } },
    ],
  ])('changes %s', async (_, flags, fields) => {
    const rpo = { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] };
    const sources = { ...JOB.sources, exclude: [{ workload: 'x' }] };
    answer([NAME], false, { ...JOB, rpo, sources });
    await bench.run(['job', 'edit', 'nightly', ...flags]);
    expect(bench.seen[1]?.body).toMatchObject(fields);
    if (flags[0] === '--time-zone')
      expect(bench.seen[1]?.body).not.toHaveProperty('schedule.timeZone');
  });
});
