import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB, openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

function view(count: number) {
  const left = Array.from({ length: count }, (_, i) => ({
    ...{ id: `p${i}`, createdAt: `2026-12-0${i + 1}T22:00:00.000Z`, isNew: i > 0 },
    ...{ kind: i === 0 ? 'full' : 'increment', flags: [], reasons: ['one of the 3 newest'] },
  }));
  const days = [
    { at: '2026-12-03T22:00:00.000Z', points: count, oldestAt: '2026-12-01T22:00:00.000Z' },
  ];
  return { sessions: 3, gone: [], left, days, warnings: [] };
}

describe('job simulate', () => {
  it('shows what is left by the job and by the change, and why', async () => {
    const answer = {
      workload: 'web01',
      days: 3,
      basis: 'schedule',
      present: view(3),
      wanted: view(2),
    };
    bench.answer({
      'GET /jobs/nightly': { body: JOB },
      'POST /jobs/nightly/simulation': { body: answer },
    });
    const { out, code } = await bench.run([
      'job',
      'simulate',
      'nightly',
      '--keep',
      '2',
      '--days',
      '3',
    ]);
    expect(out).toContain(
      'as the job is: 3 sessions, 0 of the present restore points go, 3 are left',
    );
    expect(out).toContain(
      'with the change: 3 sessions, 0 of the present restore points go, 2 are left',
    );
    expect(out).toMatch(/2026-12-02 22:00:00Z +increment, to come +one of the 3 newest/);
    expect(code).toBe(0);
  });

  it('refuses what is no number of days', async () => {
    bench.answer({ 'GET /jobs/nightly': { body: JOB } });
    const { code, err } = await bench.run(['job', 'simulate', 'nightly', '--days', 'many']);
    expect(err).toContain('many is not a number of days');
    expect(code).not.toBe(0);
  });
});
