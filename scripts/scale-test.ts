import type { TemporalSettings } from '../src/temporal/connect.js';
import { readSessionRecord, runLargeSession } from '../test/support/session/large-session.js';
import { testJob, TestSite } from '../test/support/session/test-site.js';
import { runWatched } from './opened-files.js';
import { scaleCopies } from './scale-copies.js';
import { withScratchServer } from '../test/support/temporal/scratch-server.js';

/** A session of as many workloads as the command line says (5,000), each with so many notes (20), over children that copy nothing: shows
 *  that it ends, with a record that is whole, and what it cost. Usage: npm run scale-test -- [workloads] [notes] [events of one run] */
async function scaleTest(count: number, notes: number, maxHistoryEvents: number): Promise<void> {
  const site = await TestSite.create(null);
  try {
    await withScratchServer((temporal) =>
      measure(temporal, site, { count, notes, maxHistoryEvents }),
    );
  } finally {
    await site.remove();
  }
}

async function measure(
  temporal: TemporalSettings,
  site: TestSite,
  { count, notes, maxHistoryEvents }: { count: number; notes: number; maxHistoryEvents: number },
): Promise<void> {
  const workloads = Array.from(
    { length: count },
    (_, n) => `vm-${String(n).padStart(6, '0')} notes=${notes}`,
  );
  const startedMs = performance.now();
  const { outcome, runs } = await runLargeSession(temporal, site, {
    job: testJob(),
    workloads,
    settings: { maxHistoryEvents },
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { session, files, sizeBytes } = await readSessionRecord(site);
  const inList = session.tasks.filter(({ recorded }) => !recorded);
  const told = new Set([...inList, ...files].map(({ workload }) => workload));
  const cpu = process.cpuUsage();
  console.log({
    workloads: count,
    result: outcome.result,
    counts: outcome.taskCounts,
    shown: session.tasks.length,
    omittedTasks: session.omittedTasks,
    files: files.length,
    notesInFiles: files.reduce((sum, task) => sum + task.notes.length, 0),
    recordBytes: sizeBytes,
    outcomeBytes: Buffer.byteLength(JSON.stringify(outcome)),
    eventsOfEachRun: runs,
    wallSeconds: Math.round(seconds),
    workerCpuSeconds: Math.round((cpu.user + cpu.system) / 1e6),
    isWhole: workloads.every((name) => told.has(name)),
  });
  if (!workloads.every((name) => told.has(name))) process.exitCode = 1;
}

const [first = '5000', ...rest] = process.argv.slice(2);
if (first === 'copies') {
  if (!(await runWatched())) await scaleCopies(Number(rest[0] ?? '100'));
} else {
  const [notes = '20', events = '8000'] = rest;
  await scaleTest(Number(first), Number(notes), Number(events));
}
