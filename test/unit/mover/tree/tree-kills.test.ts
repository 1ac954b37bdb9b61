import { describe, expect, it } from 'vitest';
import type { SimulationOptions } from '../../../support/repository/simulated-repository.js';
import { ToyStore } from '../../../support/tree/toy-store.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';
import {
  killTree,
  TREE_SCENARIOS,
  type TreeScenario,
} from '../../../support/kill-table/tree-kills.js';
import { killSets, type SetScenarioName } from '../../../support/kill-table/set-kills.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';

const NAMES = Object.keys(TREE_SCENARIOS) as TreeScenario[];
/** Every how many operations; `npm run test:kill-trees` tries all of them. */
const STRIDE = 41;
/** Each session of this one copies a large file again. */
const STRIDES: Partial<Record<TreeScenario, number>> = { 'copy of a tree that has lost files': 97 };

describe('a copy of a tree that is stopped', () => {
  it.each(NAMES)(
    '%s: is whole and closed at every instant, and completed by the next session',
    async (name) => {
      makeTreesKnown(toyStoreLayout);
      const { positions, faults } = await killTree(name, {
        stride: STRIDES[name] ?? STRIDE,
        cuts: 1,
      });
      expect(faults.slice(0, 5)).toEqual([]);
      expect(positions).toBeGreaterThan(5);
    },
  );
});

/** Of about 250 operations; `npm run test:kill-trees -- 1 1 sets` tries all of them, and more scenarios. */
const SET_STRIDE = 113;
const SETS: readonly SetScenarioName[] = [
  'first copy of a folder of log of PostgreSQL',
  'removal of sets by retention',
];

describe('a copy of backups of a database that is stopped', () => {
  it.each(SETS)(
    '%s: has whole files and nothing without what it needs at every instant, and is completed by the next session',
    async (name) => {
      const { positions, faults } = await killSets(name, { stride: SET_STRIDE, cuts: 1 });
      expect(faults.slice(0, 5)).toEqual([]);
      expect(positions).toBeGreaterThan(5);
    },
  );
});

describe('what a killed process gave a name, or took away, without making it durable', () => {
  it.each(NAMES)('%s: is made durable before anybody says that it is done', async (name) => {
    makeTreesKnown(toyStoreLayout);
    const { faults } = await killTree(name, {
      ...{ stride: 3, cuts: 0 },
      at: ({ kind, path }) => kind === 'syncFolder' && path.includes('/files'),
    });
    expect(faults.slice(0, 5)).toEqual([]);
  });
});

/** Fills its window, and ends in a hole, which only its length tells of. */
const LARGE = Buffer.concat([Buffer.alloc(8 * 1024 ** 2, 7), Buffer.alloc(1024 ** 2)]);

describe('a large file of a tree', () => {
  /** What power cuts behind each step that makes something durable or gives a name leave of it, and what the next session makes of that. */
  async function faultsBehindSteps(disable: SimulationOptions['disable']): Promise<string[]> {
    makeTreesKnown(toyStoreLayout);
    const store = new ToyStore(new TreeWorld());
    const { world } = store;
    await store.begin();
    await world.copy();
    await store.backUp(1);
    await store.backUpLarge(LARGE);
    world.target.settleAll();
    const before = world.target;
    const startMs = world.nowMs;
    world.target = before.clone();
    await world.copy();
    const steps = world.target.operations.filter(
      ({ kind, path }) => kind !== 'write' && /\.staging\/large\/|\/files\/data$/.test(path),
    );
    const faults: string[] = [];
    for (const { number, kind } of disable === undefined ? steps : steps.slice(-4)) {
      const crash = { atOperation: number, when: 'after' } as const;
      const stopped = before.clone({ crash, ...(disable === undefined ? {} : { disable }) });
      world.nowMs = startMs;
      world.target = stopped;
      await world.copy().catch(() => undefined);
      for (let seed = 0; seed < 4; seed++) {
        world.target = stopped.restart({ kind: 'power', seed });
        const found = await store.faultsOf(world.target);
        if (seed === 0 && disable === undefined) {
          await world.copy();
          found.push(...(await store.faultsOf(world.target)));
        }
        faults.push(...found.map((fault) => `${kind} ${number}: ${fault}`));
      }
    }
    expect(steps.length).toBeGreaterThan(5);
    return faults;
  }

  it('is whole wherever a power cut comes, because it is durable before its name', async () => {
    expect(await faultsBehindSteps(undefined)).toEqual([]);
    const withoutSync = await faultsBehindSteps({ sync: (path) => path.endsWith('.work') });
    expect(withoutSync.length).toBeGreaterThan(0);
  });
});
