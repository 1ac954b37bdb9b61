import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectoryRepository } from '../src/repository/directory/directory-repository.js';
import type { TemporalSettings } from '../src/temporal/connect.js';
import { GrowingSource } from '../test/support/living/growing-source.js';
import { testJob, TestSite } from '../test/support/session/test-site.js';
import { TestWorkers } from '../test/support/session/test-workers.js';
import { withScratchServer } from '../test/support/temporal/scratch-server.js';
import { chainWorkflowId } from '../workflows/messages.js';
import { OpenedFiles } from './opened-files.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-11-01T01:00:00Z');

/** What a session over as many machines (100) costs, with real copies on a real Temporal server: the first copy, a session with nothing new, and one
 *  increment each. Each machine has a disk of four blocks, so that the product is measured and not the disk. Counters first: wall and CPU time
 *  are those of a machine that may be busy. With strace
 *  the files that they open, too. Usage: npm run scale-test -- copies [workloads] */
export async function scaleCopies(count: number): Promise<void> {
  const site = await TestSite.create(null);
  try {
    await withScratchServer((temporal) => measure(temporal, site, count));
  } finally {
    await site.remove();
  }
}

async function measure(temporal: TemporalSettings, site: TestSite, count: number): Promise<void> {
  const rootPath = site.path('primary');
  const source = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: false });
  const machines = Array.from(
    { length: count },
    (_, n) => new GrowingSource(source, `vm-${String(n).padStart(5, '0')}`, { blockCount: 4 }),
  );
  for (const machine of machines) await machine.backUp(FIRST_MS, 'full');
  const workers = await TestWorkers.on(temporal, site);
  try {
    const { stateDirectory } = temporal;
    const folders = { source: rootPath, target: site.path('offsite') };
    const opened = new OpenedFiles();
    const tell = async (what: string): Promise<void> => {
      await opened.since(folders); // what making the sources has opened
      await tellSession(workers, stateDirectory, what, () => opened.since(folders));
    };
    await tell('first copy');
    await tell('nothing new');
    for (const machine of machines) {
      machine.work(1);
      await machine.backUp(FIRST_MS + DAY_MS, 'incremental');
    }
    await tell('one increment each');
  } finally {
    await workers.stop();
  }
}

async function tellSession(
  workers: TestWorkers,
  stateDirectory: string,
  what: string,
  filesOpened: () => Promise<Record<string, number> | null>,
): Promise<void> {
  const stateBytes = await sizeOf(stateDirectory);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const handle = await workers.startSession(testJob());
  const { result, taskCounts, tasks } = await handle.result();
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const opened = await filesOpened();
  const session = await costOf(workers, handle.workflowId);
  const ids = tasks.flatMap(({ workloadId }) => workloadId ?? []);
  const children: Cost[] = [];
  for (const id of ids.slice(0, SAMPLE))
    children.push(await costOf(workers, chainWorkflowId('offsite', testJob().id, id)));
  const mean = (key: keyof Cost) =>
    ratio(
      children.reduce((sum, cost) => sum + cost[key], 0),
      children.length,
    );
  console.log({
    session: what,
    result,
    counts: taskCounts,
    ofTheSession: session,
    ofEachWorkload: {
      activities: mean('activities'),
      events: mean('events'),
      historyBytes: mean('historyBytes'),
      filesOpened:
        opened === null
          ? 'not counted: strace is not installed'
          : Object.fromEntries(
              Object.entries(opened).map(([where, count]) => [where, ratio(count, ids.length)]),
            ),
    },
    stateBytesPerWorkload: Math.round(
      ((await sizeOf(stateDirectory)) - stateBytes) / Math.max(1, ids.length),
    ),
    residentMiB: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    wallSeconds: Math.round(seconds * 10) / 10,
    workerCpuMsPerWorkload: Math.round((user + system) / 1_000 / ids.length),
  });
}

function ratio(sum: number, count: number): number {
  return Math.round((10 * sum) / Math.max(1, count)) / 10;
}

/** What the Temporal server keeps: its database and the journal of it. */
async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Workloads whose histories are read. */
const SAMPLE = 20;

interface Cost {
  readonly activities: number;
  readonly events: number;
  readonly historyBytes: number;
}

async function costOf({ client }: TestWorkers, workflowId: string): Promise<Cost> {
  const handle = client.workflow.getHandle(workflowId);
  const { raw } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const scheduled = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes);
  return {
    activities: scheduled.length,
    events: (events ?? []).length,
    historyBytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
  };
}
