import { expect, it } from 'vitest';
import type { FileStamp } from '../../../../src/domain/file-stamp.js';
import type { FileContent } from '../../../../src/domain/trees/tree-rules.js';
import { nameLine } from '../../../../src/mover/tree/copy/planned-names.js';
import { publishNames } from '../../../../src/mover/tree/copy/publish-names.js';
import type { FileOutcome, NameOutcome } from '../../../../src/mover/tree/copy/staged-files.js';
import { treeStaged, type TreePlan } from '../../../../src/mover/tree/tree-plan.js';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const LISTED: FileStamp = {
  ...{ inode: '7', sizeBytes: 3, modifiedAtNs: '1000', changedAtNs: '2000' },
};
interface Case {
  /** What the source has now; null: nothing. Left out: what was listed. */
  readonly first?: Partial<FileStamp> | null;
  readonly twin?: Partial<FileStamp> | null;
  readonly content?: FileContent;
  readonly failed?: FileOutcome;
  readonly isHeldBack?: boolean;
  readonly copyLacksFirst?: true;
}

/** What comes of `twin`, which was listed as another name of `first`, and whether the copy has it then as one. */
async function published(now: Case): Promise<{ outcome: NameOutcome; isGiven: boolean }> {
  const target = new SimulatedRepository('offsite');
  const source = new SimulatedRepository('primary');
  const entry = (path: string, change: Partial<FileStamp> | null = {}): RepositoryEntry | null =>
    change === null ? null : { name: path, path, type: 'file', stamp: { ...LISTED, ...change } };
  source.stat = (path) => Promise.resolve(entry(path, path === 'root/twin' ? now.twin : now.first));
  const line = nameLine({
    file: { path: 'twin', stamp: LISTED, mode: null, held: null },
    first: 'first',
  });
  await target.put(treeStaged.list('tree', 0, 'names'), Buffer.from(`${line}\n`));
  if (now.copyLacksFirst !== true) await target.put('tree/files/first', Buffer.from('one'));
  const found = publishNames({
    ...{ control: new TaskControl(), source, target, tree: 'tree', classIndex: 0 },
    plan: { root: 'root', classes: [{ nameCount: 1 }] } as unknown as TreePlan,
    content: now.content ?? 'immutable',
    failed: new Map(now.failed === undefined ? [] : [['first', now.failed]]),
    isHeldBack: ({ path }) => now.isHeldBack === true && path === 'twin',
  });
  const outcomes: NameOutcome[] = [];
  for await (const { outcome } of found) outcomes.push(outcome);
  expect(outcomes).toHaveLength(1);
  const [first, twin] = [
    await target.stat('tree/files/first'),
    await target.stat('tree/files/twin'),
  ];
  return {
    outcome: outcomes[0]!,
    isGiven: twin !== null && twin.stamp.inode === first?.stamp.inode,
  };
}

it.each<[string, Case, NameOutcome]>([
  ['is given', {}, 'copied'],
  // Links to a file, and nothing of its content.
  [
    'is given when both have a later change time',
    { first: { changedAtNs: '3000' }, twin: { changedAtNs: '3000' } },
    'copied',
  ],
  // A file system gives numbers anew: its tool wrote both once more, in the other order.
  [
    'waits when the two are written anew, and the number is that of the one alone',
    { first: { inode: '8', changedAtNs: '3000' }, twin: { changedAtNs: '3001' } },
    'changed',
  ],
  [
    'waits when equal numbers are of two file systems',
    { first: { changedAtNs: '3000' } },
    'changed',
  ],
  ['waits when the other one is gone', { first: null }, 'changed'],
  [
    'waits when both were written to',
    { first: { sizeBytes: 4, changedAtNs: '3' }, twin: { sizeBytes: 4, changedAtNs: '3' } },
    'changed',
  ],
  [
    'waits of what may be rewritten when both changed',
    {
      ...{ content: 'replaced', first: { changedAtNs: '3000' } },
      twin: { changedAtNs: '3000' },
    },
    'changed',
  ],
  ['is not given when it is gone', { twin: null }, 'gone'],
  ['is what the file is that could not be read', { failed: 'denied' }, 'denied'],
  ['waits for what it may refer to', { isHeldBack: true }, 'withheld'],
  ['is not given when the copy has lost the file', { copyLacksFirst: true }, 'nameless'],
])('a further name of a file %s', async (_, now, outcome) => {
  expect(await published(now)).toEqual({ outcome, isGiven: outcome === 'copied' });
});
