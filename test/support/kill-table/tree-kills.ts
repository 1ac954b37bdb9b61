import type {
  SimulatedRepository,
  CrashPlan,
  Loss,
  StorageOperation,
} from '../repository/simulated-repository.js';
import { ToyStore } from '../tree/toy-store.js';
import { DAY_MS, filesBelow, TreeWorld } from '../tree/tree-world.js';
import { LocalServer, WorkerDeath } from '../workflows/local-server.js';
import { InProcessWorker } from '../workflows/local-worker.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import { WORKFLOW_COPY_SESSION, type CopySessionOutcome } from '../../../workflows/messages.js';

/** A copy of a tree that is stopped at its storage operations. The invariant: what the copy holds is whole, file by file, and refers to nothing that is
 *  not there; and the session that follows completes it. */
export const TREE_SCENARIOS = {
  'first copy of a tree': async (store) => {
    await store.backUp(3);
    await store.backUp(2);
  },
  'copy of a changed tree': async (store, copied) => {
    for (let i = 0; i < 4; i++) await store.backUp(3);
    await copied();
    await store.touch();
    await store.compact();
    await store.backUp(2);
  },
  'removal from a tree': async (store, copied) => {
    for (let i = 0; i < 5; i++) await store.backUp(2);
    await copied();
    await store.prune();
    await copied();
    store.world.nowMs += 4 * DAY_MS;
    await store.backUp(1);
  },
  'copy of a tree that has lost files': async (store, copied) => {
    for (let i = 0; i < 3; i++) await store.backUp(3);
    await store.backUpLarge(Buffer.alloc(9 * 1024 ** 2, 7));
    await copied();
    const paths = [...store.world.files.keys()];
    const below = (folder: string) => paths.filter((path) => path.startsWith(folder));
    const large = below('data/').find((path) => store.world.files.get(path)!.length > 1024 ** 2)!;
    for (const path of [...below('data/').slice(0, 2), large, below('snapshots/')[1]!])
      await store.lose(path, null);
    await store.lose(below('index/')[0]!, '["cut');
    await store.touch();
    await store.backUp(2);
  },
} satisfies Record<string, (store: ToyStore, copied: () => Promise<void>) => Promise<void>>;

export type TreeScenario = keyof typeof TREE_SCENARIOS;

interface TreeKills {
  positions: number;
  readonly faults: string[];
}

/** What is copied, and who judges the copy. */
export interface KilledTree {
  readonly world: TreeWorld;
  /** A session may end with a warning of what it has done. */
  readonly isWarned: boolean;
  /** What is wrong with a copy.
   *  @param but `lost`: what it has lost may not have come again */
  faultsOf(target: SimulatedRepository, but?: 'lost'): Promise<string[]>;
}

interface KillOptions {
  /** Every how many operations. */
  readonly stride: number;
  /** Power cuts tried after each stop. */
  readonly cuts: number;
  /** Only at these. */
  readonly at?: (operation: StorageOperation) => boolean;
  /** Breaks one promise of the storage on purpose. */
  readonly sabotage?: SabotageOptions;
}

export async function killTree(name: TreeScenario, options: KillOptions): Promise<TreeKills> {
  const store = new ToyStore(new TreeWorld());
  await store.begin();
  return killSessions(name, store, (copied) => TREE_SCENARIOS[name](store, copied), options);
}

/** Stops the session that copies what is there in the end.
 *  @param play makes the source, and the copy of before */
export async function killSessions(
  name: string,
  store: KilledTree,
  play: (copied: () => Promise<void>) => Promise<void>,
  { stride, cuts, at = () => true, sabotage }: KillOptions,
): Promise<TreeKills> {
  const { world } = store;
  await play(async () => void (await world.copy()));
  world.target.settleAll();
  const before = world.target;
  const startMs = world.nowMs;
  world.target = before.clone();
  await world.copy();
  const end = await endOf(world.target, world);
  const kills: TreeKills = { positions: 0, faults: await store.faultsOf(world.target) };
  const { operations } = world.target;
  const chosen = operations.filter(at);
  for (const { number: atOperation } of chosen.filter((_, index) => index % stride === 0))
    for (const when of ['before', 'torn', 'after'] satisfies CrashPlan['when'][]) {
      if (when === 'torn' && operations[atOperation - 1]?.kind !== 'write') continue;
      world.nowMs = startMs;
      const stopped = before.clone({ crash: { atOperation, when }, ...sabotage });
      world.target = stopped;
      const session = await untilDeath(world);
      for (const [loss, by] of recoveries(cuts)) {
        kills.positions++;
        world.nowMs = startMs;
        world.target = stopped.restart(loss);
        const place = `${name}, ${when} ${atOperation} (${operations[atOperation - 1]!.kind}), ${JSON.stringify(loss)}, ${by}`;
        const found = await store.faultsOf(world.target, 'lost');
        const { result } = await (by === 'same session' ? goOn(session, world) : world.copy());
        kills.faults.push(
          ...[...found, ...(await faultsOfEnd(store, end))].map((fault) => `${place}: ${fault}`),
          ...(isWhole(result, store) ? [] : [`${place}: ${result}`]),
        );
      }
    }
  return kills;
}

/** A copy that has lost files says so. */
function isWhole(result: string, { isWarned }: KilledTree): boolean {
  return ['success', 'nothingToCopy', ...(isWarned ? ['warning'] : [])].includes(result);
}

type SabotageOptions = Pick<NonNullable<Parameters<SimulatedRepository['clone']>[0]>, 'disable'>;

/** What a killed process has written is there for the session that goes on with another worker, and for the next one, durable or not. */
function recoveries(cuts: number): [Loss, 'same session' | 'next session'][] {
  const power = Array.from({ length: cuts }, (_, seed): Loss => ({ kind: 'power', seed }));
  return [
    [{ kind: 'none' }, 'same session'],
    ...[{ kind: 'none' } as const, ...power].map((loss): [Loss, 'next session'] => [
      loss,
      'next session',
    ]),
  ];
}

interface StoppedSession {
  readonly server: LocalServer;
  readonly id: string;
}

async function untilDeath(world: TreeWorld): Promise<StoppedSession> {
  const nowMs = world.nowMs + 60_000;
  const id = sessionWorkflowId(world.job.id, nowMs);
  const server = new LocalServer(workerOf(world), nowMs);
  server.begin(WORKFLOW_COPY_SESSION, id, { job: world.job, overrides: {} });
  try {
    await server.end(id);
  } catch (error) {
    if (!(error instanceof WorkerDeath)) throw error;
  }
  return { server, id };
}

async function goOn({ server, id }: StoppedSession, world: TreeWorld): Promise<CopySessionOutcome> {
  return (await server.withNewWorker(workerOf(world)).end(id)) as CopySessionOutcome;
}

function workerOf({ source, target }: TreeWorld): InProcessWorker {
  return new InProcessWorker([source, target]);
}

function withoutStaging(end: string): string {
  const names = end.split(' ').filter((name) => !name.startsWith('.staging/'));
  return names.join(' ');
}

/** Power cuts after a session has ended: what it says is there stays. */
const LATER_CUTS = 3;

/** Of a copy that is complete, and stays what it is when the power fails. */
async function faultsOfEnd(store: KilledTree, end: string): Promise<string[]> {
  const { world } = store;
  const faults: string[] = [];
  for (let seed = -1; seed < LATER_CUTS; seed++) {
    const target = seed < 0 ? world.target : world.target.restart({ kind: 'power', seed });
    const when = seed < 0 ? '' : ` after power cut ${seed} at its end`;
    const all = await endOf(target, world);
    // Staging that was taken away may come back: it is begun anew then.
    const after = seed < 0 ? all : withoutStaging(all);
    for (const fault of await store.faultsOf(target)) faults.push(`${fault}${when}`);
    if (after !== end) faults.push(`ends as ${after}, and not as ${end}${when}`);
  }
  return faults;
}

/** Names of all files of the copy and beside it, but for those whose names tell how often the record was written, and for a record that a stop kept from its name: the next one
 *  that is written takes its place. */
async function endOf(target: SimulatedRepository, world: TreeWorld): Promise<string> {
  const names = [...(await filesBelow(target, world.tree)).keys()];
  return names.filter((name) => !name.startsWith('.index/') && !RECORD_BEGUN.test(name)).join(' ');
}

const RECORD_BEGUN = /^tree\.json(?:\.copy)?\.partial$/;
