import { it } from 'vitest';
import { tryTreeHistories } from '../../../support/tree/histories/tree-events.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import {
  toySetLayout,
  tracedStoreLayout,
  writtenStoreLayout,
} from '../../../support/tree/toy-trees.js';

/** `npm run test:tree-histories` tries as many as one likes. */
const HISTORIES = 16;

it('a copy of a tree is what its source was, whatever happens to both', async () => {
  makeTreesKnown(writtenStoreLayout, tracedStoreLayout, toySetLayout);
  await tryTreeHistories({ seed: 2, numRuns: HISTORIES });
}, 900_000);
