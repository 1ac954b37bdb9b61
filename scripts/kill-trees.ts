import { TREE_LAYOUTS } from '../src/layout/tree-layouts.js';
import type { TreeLayout } from '../src/layout/tree-layout.js';
import {
  killStore,
  STORE_SCENARIOS,
  type StoreScenario,
} from '../test/support/kill-table/store-kills.js';
import { killSets, SET_SCENARIOS } from '../test/support/kill-table/set-kills.js';
import { LiveShare } from '../test/support/tree/live-share.js';
import { liveBorg, liveRestic } from '../test/support/tree/live-stores.js';
import { toyStoreLayout } from '../test/support/tree/toy-trees.js';
import { killTree, TREE_SCENARIOS } from '../test/support/kill-table/tree-kills.js';

/** Stops copies of trees at their storage operations: of a toy store, and of stores of restic and borg, which these judge, and of sets and logs of databases. Arguments: every how many of them (default: all), power
 *  cuts after each stop (default: 2), and which alone (`toy`, `sets`, `restic`, `borg`; default: all). */
const [stride = '1', cuts = '2', only = 'all'] = process.argv.slice(2);

function tell(name: string, positions: string, faults: readonly string[]): void {
  console.log(`${name}: ${positions}, ${faults.length} faults`);
  for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

for (const store of [liveRestic, liveBorg])
  for (const name of Object.keys(STORE_SCENARIOS) as StoreScenario[]) {
    if (!['all', store.name].includes(only)) continue;
    const share = await LiveShare.make(store);
    try {
      const stops = { every: Number(stride), ofNames: false, cuts: Number(cuts) };
      const { positions, unseen, faults } = await killStore(share, name, stops);
      tell(
        `${store.name}, ${name}`,
        `${positions} positions, at ${unseen} no store is seen`,
        faults,
      );
    } finally {
      await share.remove();
    }
  }

(TREE_LAYOUTS as TreeLayout[]).push(toyStoreLayout);
await stopEach('toy', TREE_SCENARIOS, killTree);
await stopEach('sets', SET_SCENARIOS, killSets);

async function stopEach<Name extends string>(
  kind: string,
  scenarios: Readonly<Record<Name, unknown>>,
  kill: (name: Name, options: { stride: number; cuts: number }) => ReturnType<typeof killTree>,
): Promise<void> {
  if (!['all', kind].includes(only)) return;
  for (const name of Object.keys(scenarios) as Name[]) {
    const { positions, faults } = await kill(name, { stride: Number(stride), cuts: Number(cuts) });
    tell(name, `${positions} positions`, faults);
  }
}
