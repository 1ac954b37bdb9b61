import { expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { TREE_LAYOUTS, treeLayoutOf } from '../../../../src/layout/tree-layouts.js';
import type { CopySessionOutcome } from '../../../../workflows/messages.js';
import { CopiedTree } from '../../../support/tree/copied-tree.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { SMALL_TREES } from '../../../support/tree/small-trees.js';

/** Backups of file shares, by their rows, whose jobs name the workload. */
const SHARES: Readonly<Record<string, string>> = {
  restic: 'restic-store',
  borg: 'borg-store',
  kopia: 'kopia-store',
  'dated-tree': 'dated-tree-share',
};

function treeOf(row: string): Promise<CopiedTree> {
  const share = SHARES[row];
  return CopiedTree.of(SMALL_TREES[row]!(), share === undefined ? undefined : shareJob(share));
}

/** Those whose files had other bytes in the copy afterwards. */
async function overwritten(tree: CopiedTree, before: ReadonlyMap<string, Buffer>) {
  const after = await tree.copied();
  return [...before].filter(([path, bytes]) => after.get(path)?.equals(bytes) !== true);
}

const isSilent = ({ result }: CopySessionOutcome): boolean =>
  result === 'success' || result === 'nothingToCopy';

/** A mirror tells by itself, and is copied by jobs of its own kind: `slow-wipe` and `tree-guard` have its rules. */
const MIRRORS: readonly string[] = ['storeonce'];
const ROWS = TREE_LAYOUTS.map(({ name }) => name).filter((name) => !MIRRORS.includes(name));

it('every layout of trees has a small tree here', () => {
  expect(Object.keys(SMALL_TREES).sort()).toEqual([...ROWS].sort());
});

/** What the bytes of one kind of files, encrypted alone, may do to the copy without a word: files that tools write to again and again, and of which nothing that a copy
 *  can know tells whether they did. None of them is data of a backup. */
const WRITTEN_AGAIN: Readonly<Record<string, readonly string[]>> = {
  borg: ['integrity', 'hints', 'index', 'nonce'],
  kopia: ['maintenance'],
  kasten: ['maintenance'],
  pbs: ['owner'],
  barman: ['server'],
  'pg-probackup': ['configuration'],
};

it.each(ROWS)(
  '%s: what is encrypted in place takes nothing good from the copy unsaid',
  async (row) => {
    const { rules } = treeLayoutOf(row)!;
    const first = await treeOf(row);
    const before = await first.copied();
    for (const isMiddle of [false, true]) {
      const tree = first.again();
      await tree.encrypt(() => true, isMiddle);
      const { result, tasks } = await tree.session();
      const told = JSON.stringify(tasks);
      expect(
        (await overwritten(tree, before)).map(([path]) => path),
        told,
      ).toEqual([]);
      expect(['actionRequired', 'warning', 'failed'], told).toContain(result);
    }
    const silent: string[] = [];
    for (const [index, { name }] of rules.classes.entries()) {
      const tree = first.again();
      await tree.encrypt((path) => classOf(rules, path) === index);
      const outcome = await tree.session();
      if (isSilent(outcome) && (await overwritten(tree, before)).length > 0) silent.push(name);
    }
    expect(silent).toEqual(WRITTEN_AGAIN[row] ?? []);
  },
);
