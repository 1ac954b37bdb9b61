import { describe, expect, it } from 'vitest';
import { killTree, TREE_SCENARIOS, type TreeScenario } from '../../../kill-table/tree-kills.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';

const NAMES = Object.keys(TREE_SCENARIOS) as TreeScenario[];
/** Every how many operations; `npm run test:kill-trees` tries all of them. */
const STRIDE = 41;

describe('a copy of a tree that is stopped', () => {
  it.each(NAMES)(
    '%s: is whole and closed at every instant, and completed by the next session',
    async (name) => {
      makeTreesKnown(toyStoreLayout);
      const { positions, faults } = await killTree(name, { stride: STRIDE, cuts: 1 });
      expect(faults.slice(0, 5)).toEqual([]);
      expect(positions).toBeGreaterThan(5);
    },
    60_000,
  );
});
