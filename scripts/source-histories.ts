import { tryImageHistories } from '../test/support/living/image-history.js';
import { tryRetentionHistories } from '../test/support/living/retention-history.js';
import { trySourceHistories } from '../test/support/living/source-history.js';

/** Tries random histories of a source of disk images. Arguments: how many (default: 200), seed (default: of this moment), and `shrink`
 *  to look for the shortest one that shows a fault; `images` for disks with external snapshots that lie alone, instead of push backups; `retention` for
 *  copies under rules of what stays, and clocks that are wrong. */
const { argv } = process;
const [count = '200', seed = String(Date.now() % 1_000_000), ...words] = argv.slice(2);
console.log(`${count} histories of seed ${seed}`);
const tryHistories = words.includes('images')
  ? tryImageHistories
  : words.includes('retention')
    ? tryRetentionHistories
    : trySourceHistories;
await tryHistories({
  seed: Number(seed),
  numRuns: Number(count),
  endOnFailure: !words.includes('shrink'),
});
console.log('no fault');
