import { TREE_LAYOUTS } from '../src/layout/tree-layouts.js';
import type { TreeLayout } from '../src/layout/tree-layout.js';
import { toyStoreLayout } from '../test/support/tree/toy-trees.js';
import {
  killTree,
  TREE_SCENARIOS,
  type TreeScenario,
} from '../test/support/kill-table/tree-kills.js';

/** Stops copies of trees at their storage operations. Arguments: every how many of them (default: all), power cuts after each stop (default: 2). */
const [stride = '1', cuts = '2'] = process.argv.slice(2);
(TREE_LAYOUTS as TreeLayout[]).push(toyStoreLayout);
for (const name of Object.keys(TREE_SCENARIOS) as TreeScenario[]) {
  const { positions, faults } = await killTree(name, {
    stride: Number(stride),
    cuts: Number(cuts),
  });
  console.log(`${name}: ${positions} positions, ${faults.length} faults`);
  for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
