import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { FORGETFUL } from '../../../../src/layout/file-facts.js';
import { finishRemoval } from '../../../../src/mover/tree/change/remove-files.js';
import { TaskControl } from '../../../../src/mover/task/task-control.js';
import { lineOf } from '../../../../src/tree/file-index.js';
import { takeTree, writeTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

it('removes no file on the word of a list whose end shows that it is not the one that was announced', async () => {
  const target = new SimulatedRepository('offsite');
  const workload = { id: 'toy:store', name: 'store', type: 'toy-store' };
  const tree = chainFolder('job', workload.id);
  const source = { layout: 'toy-store', sourceRepositoryId: 'primary' };
  const taken = await takeTree(target, tree, { jobId: 'job', workload }, source, 'me', 1);
  // More than are read at once.
  const paths = Array.from({ length: 1_500 }, (_, at) => `data/${String(at).padStart(4, '0')}`);
  const stamp = { sizeBytes: 1, modifiedAtNs: '1', changedAtNs: '1', inode: '1' };
  const rest = { stamp, mode: null, digest: '', table: null, goneSinceMs: 1 };
  const lines = paths.map((path) => `${lineOf({ path, ...rest })}\n`);
  const digest = createHash('sha256').update(lines.join('')).digest('hex');
  lines[1_499] = lines[1_499]!.replace('data/1499', 'data/9999');
  await target.makePlace(`${tree}/.index`);
  await target.put(`${tree}/.index/remove`, Buffer.from(lines.join('')));
  await target.makePlace(`${tree}/files/data`);
  await target.put(`${tree}/files/${paths[0]!}`, Buffer.from('1'));
  const runs = [{ class: 'data', run: { name: 'remove', entryCount: 1_500, digest } }];
  const pending = { type: 'remove', runs, reason: 'they are gone' } as const;
  const record = await writeTreeRecord(target, tree, { ...taken, pending });
  const context = {
    repository: () => Promise.resolve(target),
    source: () => Promise.resolve(target),
    control: new TaskControl(),
    facts: FORGETFUL,
  };
  await expect(finishRemoval(context, target, tree, record)).rejects.toMatchObject({
    code: 'CHAIN_RECORD_CORRUPT',
  });
  expect(await target.stat(`${tree}/files/${paths[0]!}`)).not.toBeNull();
});
