import { tryImageHistories } from '../test/support/living/image-history.js';
import { tryLateDiskHistories } from '../test/support/living/late-disk-history.js';
import { tryOnwardHistories } from '../test/support/living/onward-history.js';
import { tryRemovalHistories } from '../test/support/living/removal-history.js';
import { tryRestoreHistories } from '../test/support/living/restore-history.js';
import { tryRetentionHistories } from '../test/support/living/retention-history.js';
import { trySourceHistories } from '../test/support/living/source-history.js';

/** Other histories than those of push backups, by the word that asks for them. */
const OF_WORDS = {
  images: tryImageHistories,
  retention: tryRetentionHistories,
  restores: tryRestoreHistories,
  removals: tryRemovalHistories,
  onward: tryOnwardHistories,
  late: tryLateDiskHistories,
};

/** Tries random histories of a source of disk images. Arguments: how many (default: 200), seed (default: of this moment), and `shrink`
 *  to look for the shortest one that shows a fault; `images` for disks with external snapshots that lie alone, instead of push backups; `retention` for
 *  copies under rules of what stays, and clocks that are wrong; `restores` for those ordered while copies are made, merged and checked;
 *  `removals` for machines that go and come back; `onward` for copies of copies; `late` for disks that a tool writes long after the others of their machine. */
const { argv } = process;
const [count = '200', seed = String(Date.now() % 1_000_000), ...words] = argv.slice(2);
console.log(`${count} histories of seed ${seed}`);
const other = Object.entries(OF_WORDS).find(([word]) => words.includes(word));
const tryHistories = other?.[1] ?? trySourceHistories;
await tryHistories({
  seed: Number(seed),
  numRuns: Number(count),
  endOnFailure: !words.includes('shrink'),
});
console.log('no fault');
