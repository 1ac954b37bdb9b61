import { afterEach, beforeEach, expect, it } from 'vitest';
import { readSessionRecord, runLargeSession } from '../../support/session/large-session.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { ownNamespace } from '../../support/temporal/own-namespace.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** Limit of a payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

function machines(count: number, suffix = ''): string[] {
  return Array.from({ length: count }, (_, n) => `vm-${String(n).padStart(5, '0')}${suffix}`);
}

describeTemporal('a large session', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.create(null);
  });
  afterEach(() => site.remove());

  it('ends with a record of all that it did, though its tasks have more notes than one payload holds', async () => {
    const workloads = machines(60, ' notes=300');
    const { outcome } = await runLargeSession(await ownNamespace(), site, {
      job: testJob(),
      workloads,
    });
    const { session, files, sizeBytes } = await readSessionRecord(site);

    expect(outcome).toMatchObject({ result: 'success', omittedTasks: 0 });
    expect(outcome.taskCounts).toMatchObject({ success: 60, waiting: 0, running: 0 });
    expect(outcome.tasks.map(({ workload }) => workload).sort()).toEqual(workloads);
    expect(outcome.tasks[0]).toMatchObject({ omitted: { notes: 298 }, recorded: true });
    expect(session).toMatchObject({ state: 'ended', result: 'success', tasks: outcome.tasks });
    expect(sizeBytes).toBeLessThan(PAYLOAD_BYTES);
    expect(files.map(({ workload, notes }) => [workload, notes.length])).toEqual(
      workloads.map((name) => [name, 300]),
    );
  });

  it('goes on in new runs, each workload once, and names the one that failed', async () => {
    const workloads = [...machines(59), 'vm-00030 fails'].sort();
    const { outcome, memo, runs } = await runLargeSession(await ownNamespace(), site, {
      job: testJob(),
      workloads,
      settings: { maxHistoryEvents: 200, parallelTasks: 5 },
    });
    const { session } = await readSessionRecord(site);

    expect(outcome.reason).toBe('1 of 60 workloads failed: vm-00030 fails');
    expect(outcome.taskCounts).toMatchObject({ success: 59, failed: 1, waiting: 0, running: 0 });
    expect(session).toMatchObject({ state: 'ended', result: 'failed' });
    expect(session.tasks.map(({ workload }) => workload).sort()).toEqual(workloads);
    expect(runs.length).toBeGreaterThan(1);
    expect(memo).toMatchObject({ startedAt: session.startedAt });
    // What is at work when the limit is met ends in the same run: 5 tasks of some 9 events.
    expect(Math.max(...runs)).toBeLessThan(200 + 60);
  });

  it('copies those of ten thousand named workloads that are there, and says how many are not', async () => {
    const names = machines(10_000, `-${'n'.repeat(80)}`);
    const job = testJob({
      sources: { include: [{ repositoryId: 'primary', workloads: names }], exclude: [] },
    });
    const { outcome } = await runLargeSession(await ownNamespace(), site, {
      job,
      workloads: names.slice(0, 20),
    });
    const { session } = await readSessionRecord(site);

    expect(outcome.taskCounts).toMatchObject({ success: 20, failed: 51 });
    expect(outcome.tasks.map(({ workload }) => workload)).toContain(
      'repository primary: 9930 workloads',
    );
    expect(session).toMatchObject({ result: 'failed', taskCounts: { success: 20, failed: 51 } });
  });
});
