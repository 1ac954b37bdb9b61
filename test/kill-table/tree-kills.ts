import type {
  SimulatedRepository,
  CrashPlan,
  Loss,
} from '../support/repository/simulated-repository.js';
import { ToyStore } from '../support/tree/toy-store.js';
import { DAY_MS, filesBelow, TreeWorld } from '../support/tree/tree-world.js';
import { WorkerDeath } from '../support/workflows/local-server.js';

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
} satisfies Record<string, (store: ToyStore, copied: () => Promise<void>) => Promise<void>>;

export type TreeScenario = keyof typeof TREE_SCENARIOS;

export interface TreeKills {
  positions: number;
  readonly faults: string[];
}

/** @param stride every how many operations
 *  @param cuts power cuts tried after each stop
 *  @param sabotage breaks one promise of the storage on purpose */
export async function killTree(
  name: TreeScenario,
  { stride, cuts, sabotage }: { stride: number; cuts: number; sabotage?: SabotageOptions },
): Promise<TreeKills> {
  const store = new ToyStore(new TreeWorld());
  const { world } = store;
  await store.begin();
  await TREE_SCENARIOS[name](store, async () => void (await world.copy()));
  world.target.settleAll();
  const before = world.target;
  const startMs = world.nowMs;
  world.target = before.clone();
  await world.copy();
  const end = await endOf(world.target, world);
  const kills: TreeKills = { positions: 0, faults: await store.faultsOf(world.target) };
  const { operations } = world.target;
  for (let atOperation = 1; atOperation <= operations.length; atOperation += stride)
    for (const when of ['before', 'torn', 'after'] satisfies CrashPlan['when'][]) {
      if (when === 'torn' && operations[atOperation - 1]?.kind !== 'write') continue;
      world.nowMs = startMs;
      const stopped = before.clone({ crash: { atOperation, when }, ...sabotage });
      world.target = stopped;
      await untilDeath(world);
      for (const loss of losses(cuts)) {
        kills.positions++;
        world.nowMs = startMs;
        world.target = stopped.restart(loss);
        const place = `${name}, ${when} ${atOperation} (${operations[atOperation - 1]!.kind}), ${JSON.stringify(loss)}`;
        const found = await store.faultsOf(world.target);
        const { result } = await world.copy();
        const after = await endOf(world.target, world);
        kills.faults.push(
          ...[...found, ...(await store.faultsOf(world.target))].map(
            (fault) => `${place}: ${fault}`,
          ),
          ...(result === 'success' || result === 'nothingToCopy' ? [] : [`${place}: ${result}`]),
          ...(after === end ? [] : [`${place}: ends as ${after}, and not as ${end}`]),
        );
      }
    }
  return kills;
}

type SabotageOptions = Pick<NonNullable<Parameters<SimulatedRepository['clone']>[0]>, 'disable'>;

function losses(cuts: number): Loss[] {
  const power = Array.from({ length: cuts }, (_, seed): Loss => ({ kind: 'power', seed }));
  return [{ kind: 'none' }, ...power];
}

async function untilDeath(world: TreeWorld): Promise<void> {
  try {
    await world.copy();
  } catch (error) {
    if (!(error instanceof WorkerDeath)) throw error;
  }
}

/** Names of all files of the copy and beside it, but for those whose names tell how often the record was written. */
async function endOf(target: SimulatedRepository, world: TreeWorld): Promise<string> {
  const names = [...(await filesBelow(target, world.tree)).keys()];
  return names.filter((name) => !name.startsWith('.index/')).join(' ');
}
