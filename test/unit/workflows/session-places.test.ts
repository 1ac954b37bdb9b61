import { describe, expect, it } from 'vitest';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';
import { WORKFLOW_COPY_SESSION, type CopySessionOutcome } from '../../../workflows/messages.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { makeTreesKnown } from '../../support/tree/known-trees.js';
import { toySetLayout } from '../../support/tree/toy-trees.js';
import { LocalServer } from '../../support/workflows/local-server.js';
import { InProcessWorker, type WorkerOptions } from '../../support/workflows/local-worker.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So long a point that was written to a moment ago is awaited; its session waits for twelve hours at most. */
const SETTLE_MS = 11 * HOUR_MS;
/** Minutes after its start. */
const SETTLED_AT = SETTLE_MS / MINUTE_MS - 1;
const JOB = testJob({
  transactionLogs: true,
  compact: null,
  retention: { type: 'days', value: 30 },
});

/** When the session starts. */
const nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;

/** Sets of files as of a tool that says nothing of when they are whole: those in `whole` were written a day ago, all others a minute ago. */
const silentSets: TreeLayout = {
  ...toySetLayout,
  scan: async (reader, folder, claim) => {
    const changedAtMs = nowMs - (folder === 'whole' ? 24 * HOUR_MS : MINUTE_MS);
    const evidence = { closing: 'silent', changedAtMs, files: folder } as const;
    const found = await toySetLayout.scan(reader, folder, claim);
    return found.map((tree) => ({
      ...tree,
      points: tree.points.map((point) => ({ ...point, evidence })),
    }));
  },
};

async function treesIn(...folders: readonly string[]): Promise<SimulatedRepository> {
  makeTreesKnown(silentSets);
  const source = new SimulatedRepository('primary');
  for (const folder of folders) {
    await source.put(`${folder}/db-28.a.set`, Buffer.from(folder));
    await source.put(`${folder}/db-28.done`, Buffer.alloc(0));
  }
  return source;
}

/** When the files of a `SimulatedRepository` are written. */
const WRITTEN_MS = 1_700_000_000_000;
/** Of machines in one, as long as they are not settled: their looks have the clock of this process. */
const SILENT_MS = nowMs - WRITTEN_MS + SETTLED_AT * MINUTE_MS;

async function machinesIn(...names: readonly string[]): Promise<SimulatedRepository> {
  const source = new SimulatedRepository('primary');
  for (const name of names) await source.put(`${name}.img`, Buffer.alloc(65_536, name));
  return source;
}

/** What a session did, in whole minutes from its start. */
interface Story {
  readonly outcome: CopySessionOutcome;
  /** When each machine was looked at first, by its id. */
  readonly looks: ReadonlyMap<string, number>;
  /** When each workload was entered, by its id. */
  readonly committed: ReadonlyMap<string, number>;
  /** How many were copied at once, at most. */
  readonly atOnce: number;
  /** How many turns of the target were held when something was copied, at most. */
  readonly mostTurns: number;
  /** Runs of the tasks, the longest of them. */
  readonly mostRuns: number;
}

interface Play extends WorkerOptions {
  /** Default: `SETTLE_MS`. */
  readonly silentMs?: number;
  /** Turns are counted from so many looks at trees on. Default: never. */
  readonly plansBefore?: number;
  /** As long as everything waits. */
  readonly meanwhile?: (server: LocalServer, sessionId: string) => void;
}

async function play(
  source: SimulatedRepository,
  { silentMs = SETTLE_MS, plansBefore = Infinity, meanwhile, ...options }: Play = {},
): Promise<Story> {
  const target = new SimulatedRepository('offsite');
  const minutes = () => (server.nowMs - nowMs) / MINUTE_MS;
  const sessionId = sessionWorkflowId(JOB.id, nowMs);
  const worker = new InProcessWorker([source, target], {
    ...options,
    get settleMs() {
      return minutes() < SETTLED_AT ? silentMs : 0;
    },
    whileWaiting: () => Promise.resolve(meanwhile?.(server, sessionId)),
  });
  const looks = new Map<string, number>();
  const committed = new Map<string, number>();
  const atWork = new Set<string>();
  let [atOnce, mostTurns, plans] = [0, 0, 0];
  type Step = (input: { readonly workloadId: string }) => Promise<unknown>;
  const activities = worker.activities as unknown as Record<string, Step>;
  const look = activities['lookForWork']!;
  activities['lookForWork'] = (input) => {
    if (!looks.has(input.workloadId)) looks.set(input.workloadId, minutes());
    return look(input);
  };
  const plan = activities['planTree']!;
  activities['planTree'] = async (input) => {
    const answer = await plan(input);
    plans++;
    return answer;
  };
  for (const first of ['copyFiles', 'planCopy']) {
    const copy = activities[first]!;
    activities[first] = (input) => {
      atWork.add(input.workloadId);
      atOnce = Math.max(atOnce, atWork.size);
      if (plans >= plansBefore) mostTurns = Math.max(mostTurns, server.turnsHeld);
      return copy(input);
    };
  }
  for (const last of ['commitTree', 'commitRestorePoint']) {
    const commit = activities[last]!;
    activities[last] = async (input) => {
      const answer = await commit(input);
      atWork.delete(input.workloadId);
      // A tree also enters that nothing is whole yet.
      if ((answer as { committedCount?: number }).committedCount !== 0)
        committed.set(input.workloadId, minutes());
      return answer;
    };
  }
  const server: LocalServer = new LocalServer(worker, nowMs);
  // One task after the other goes on by a step.
  let picked = 0;
  server.pick = (count) => picked++ % count;
  server.begin(WORKFLOW_COPY_SESSION, sessionId, { job: JOB });
  const outcome = (await server.end(sessionId)) as CopySessionOutcome;
  const runs = [...committed.keys()].map(
    (id) => server.runLengths(`chain/offsite/${JOB.id}/${id}`).length,
  );
  return { outcome, looks, committed, atOnce, mostTurns, mostRuns: Math.max(0, ...runs) };
}

const numbered = (count: number, name: string) =>
  Array.from({ length: count }, (_, at) => `${name}-${String(at + 1).padStart(2, '0')}`);

// The first one bundles the workflows.
describe('a task that only waits for its source', { timeout: 120_000 }, () => {
  it('holds no place of its session: twenty trees that do not settle hold up no other workload', async () => {
    const source = await treesIn(...numbered(20, 'share'), 'whole');
    const { outcome, committed, atOnce, mostTurns } = await play(source, {
      settings: { parallelTasks: 2 },
      plansBefore: 21 + 20,
    });
    expect(committed.get('toysets:whole')).toBeLessThan(1);
    expect(outcome).toMatchObject({ result: 'success', taskCounts: { success: 21 } });
    const others = [...committed.values()].slice(1);
    expect(others).toHaveLength(20);
    expect(Math.min(...others)).toBeGreaterThanOrEqual(SETTLED_AT);
    // By then all of them want to be copied, and have had turns for their looks.
    expect([atOnce, mostTurns]).toEqual([2, 2]);
  });

  it.each([
    ['in one run', {}, 1],
    ['in several runs', { maxHistoryEvents: 40 }, 2],
  ])('gives its place to the next machine, and asks for it again (%s)', async (_, more, runs) => {
    const names = numbered(3, 'vm');
    const settings = { parallelTasks: 1, ...more };
    const options = { settings, silentMs: SILENT_MS };
    const { outcome, committed, looks, atOnce, mostRuns } = await play(
      await machinesIn(...names),
      options,
    );
    const ids = names.map((name) => `raw-.:${name}.img`);
    expect([...looks.keys()]).toEqual(ids);
    // A session whose run has grown long waits ten minutes for its tasks.
    expect(Math.max(...looks.values())).toBeLessThanOrEqual(10);
    expect([...committed.keys()].sort()).toEqual(ids);
    expect(Math.min(...committed.values())).toBeGreaterThanOrEqual(SETTLED_AT);
    expect(outcome).toMatchObject({ result: 'success', taskCounts: { success: 3 } });
    expect(atOnce).toBe(1);
    expect(mostRuns).toBeGreaterThanOrEqual(runs);
  });

  it('ends with its session when that is stopped', async () => {
    const { outcome, committed } = await play(await treesIn(...numbered(3, 'share')), {
      settings: { parallelTasks: 1 },
      meanwhile: (server, sessionId) => server.stop(sessionId),
    });
    expect([...committed]).toEqual([]);
    expect(outcome).toMatchObject({ result: 'stopped', taskCounts: { stopped: 3 } });
  });
});
