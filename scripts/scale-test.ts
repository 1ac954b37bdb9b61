import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { connectTemporal, type TemporalSettings } from '../src/temporal/connect.js';
import { startEmbeddedTemporal } from '../src/temporal/embedded-server.js';
import { findTemporalBinary } from '../src/temporal/find-binary.js';
import { prepareNamespace } from '../src/temporal/namespace.js';
import { readSessionRecord, runLargeSession } from '../test/support/session/large-session.js';
import { testJob, TestSite } from '../test/support/session/test-site.js';

/** A session of as many workloads as the command line says (5,000), each with so many notes (20), over children that copy nothing: shows
 *  that it ends, with a record that is whole, and what it cost. Usage: npm run scale-test -- [workloads] [notes] [events of one run] */
async function scaleTest(count: number, notes: number, maxHistoryEvents: number): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-scale-'));
  const site = await TestSite.create(null);
  const log = { info: () => undefined, warn: console.warn, error: console.error };
  const binaryPath = await findTemporalBinary({
    configuredPath: null,
    cacheFolder: join(import.meta.dirname, '..', '.cache', 'temporal'),
    env: process.env,
    mayInstall: false,
  });
  const server = await startEmbeddedTemporal({
    binaryPath,
    stateDirectory: folder,
    port: 0,
    uiPort: 0,
    log,
  });
  const temporal: TemporalSettings = {
    stateDirectory: folder,
    temporal: { type: 'embedded', binaryPath, port: 0, uiPort: 0 },
  };
  try {
    const { connection, namespace } = await connectTemporal(temporal);
    await prepareNamespace(connection, namespace);
    await connection.close();
    await measure(temporal, site, { count, notes, maxHistoryEvents });
  } finally {
    await server.stop();
    await site.remove();
    await rm(folder, { recursive: true, force: true });
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

const [count = '5000', notes = '20', events = '8000'] = process.argv.slice(2);
await scaleTest(Number(count), Number(notes), Number(events));
