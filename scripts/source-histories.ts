import { trySourceHistories } from '../test/support/living/source-history.js';

/** Tries random histories of a source of disk images. Arguments: how many (default: 200), seed (default: of this moment), and `shrink`
 *  to look for the shortest one that shows a fault. */
const [count = '200', seed = String(Date.now() % 1_000_000), shrink] = process.argv.slice(2);
console.log(`${count} histories of seed ${seed}`);
await trySourceHistories({
  seed: Number(seed),
  numRuns: Number(count),
  endOnFailure: shrink === undefined,
});
