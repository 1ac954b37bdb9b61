import { onTestFinished } from 'vitest';
import { TREE_LAYOUTS } from '../../../src/layout/tree-layouts.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';

/** Rows in the list are all that the product has to know; until the test ends. */
export function makeTreesKnown(...layouts: readonly TreeLayout[]): void {
  const rows = TREE_LAYOUTS as TreeLayout[];
  rows.push(...layouts);
  onTestFinished(() => {
    // The row that was added: the product may have the same one.
    for (const layout of layouts) rows.splice(rows.lastIndexOf(layout), 1);
  });
}
