import { TREE_LAYOUTS } from '../src/layout/tree-layouts.js';
import type { TreeLayout } from '../src/layout/tree-layout.js';
import { tryTreeHistories } from '../test/support/tree/histories/tree-events.js';
import {
  toySetLayout,
  tracedStoreLayout,
  writtenStoreLayout,
} from '../test/support/tree/toy-trees.js';

/** Tries random histories of trees. Arguments: how many (default: 500), seed (default: of this moment), and `shrink`
 *  to look for the shortest one that shows a fault. */
const [count = '500', seed = String(Date.now() % 1_000_000), shrink] = process.argv.slice(2);
(TREE_LAYOUTS as TreeLayout[]).push(writtenStoreLayout, tracedStoreLayout, toySetLayout);
console.log(`${count} histories of seed ${seed}`);
await tryTreeHistories({
  seed: Number(seed),
  numRuns: Number(count),
  endOnFailure: shrink === undefined,
});
