import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { FORGETFUL } from '../../../../src/layout/file-facts.js';
import { finishRemoval } from '../../../../src/mover/tree/change/remove-files.js';
import type { MoverContext } from '../../../../src/mover/task/mover-context.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { lineOf } from '../../../../src/tree/file-index.js';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const WORKLOAD = { id: 'toy:store', name: 'store', type: 'toy-store' };
const TREE = chainFolder('job', WORKLOAD.id);

function take(target: SimulatedRepository): Promise<TreeRecord> {
  const source = { layout: 'toy-store', sourceRepositoryId: 'primary' };
  return takeTree(target, TREE, { jobId: 'job', workload: WORKLOAD }, source, 'me', 1);
}

function contextOf(target: SimulatedRepository): MoverContext {
  return {
    repository: () => Promise.resolve(target),
    source: () => Promise.resolve(target),
    control: new TaskControl(),
    facts: FORGETFUL,
  };
}

it('removes no file on the word of a list whose end shows that it is not the one that was announced', async () => {
  const target = new SimulatedRepository('offsite');
  const taken = await take(target);
  // More than are read at once.
  const paths = Array.from({ length: 1_500 }, (_, at) => `data/${String(at).padStart(4, '0')}`);
  const stamp = { sizeBytes: 1, modifiedAtNs: '1', changedAtNs: '1', inode: '1' };
  const rest = { stamp, mode: null, digest: '', table: null, goneSinceMs: 1 };
  const lines = paths.map((path) => `${lineOf({ path, ...rest })}\n`);
  const digest = createHash('sha256').update(lines.join('')).digest('hex');
  lines[1_499] = lines[1_499]!.replace('data/1499', 'data/9999');
  await target.makePlace(`${TREE}/.index`);
  await target.put(`${TREE}/.index/remove`, Buffer.from(lines.join('')));
  await target.makePlace(`${TREE}/files/data`);
  await target.put(`${TREE}/files/${paths[0]!}`, Buffer.from('1'));
  const runs = [{ class: 'data', run: { name: 'remove', entryCount: 1_500, digest } }];
  const pending = { type: 'remove', runs, reason: 'they are gone' } as const;
  const record = await writeTreeRecord(target, TREE, { ...taken, pending });
  await expect(finishRemoval(contextOf(target), target, TREE, record)).rejects.toMatchObject({
    code: 'CHAIN_RECORD_CORRUPT',
  });
  expect(await target.stat(`${TREE}/files/${paths[0]!}`)).not.toBeNull();
});

it.each([
  ['none', {}],
  ['that of an order', { removed: { epoch: 1, nowMs: 1, fileCount: 7, points: ['monday'] } }],
])(
  'finishes a removal that nobody asks for again, and keeps the answer that the record had: %s',
  async (_, kept) => {
    const target = new SimulatedRepository('offsite');
    const taken = await take(target);
    const pending = { type: 'remove', runs: [], reason: 'no source shows it' } as const;
    const record = await writeTreeRecord(target, TREE, { ...taken, ...kept, pending });
    const { removed } = await finishRemoval(contextOf(target), target, TREE, record);
    expect({ removed }).toEqual({ removed: undefined, ...kept });
    const written = await readTreeRecord(target, TREE);
    expect(written).toMatchObject({ ...kept, pending: null });
    expect('removed' in written!).toBe('removed' in kept);
  },
);
