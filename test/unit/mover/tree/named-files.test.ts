import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { digestOfNamed } from '../../../../src/mover/tree/copy/named-files.js';
import type { PlannedFile } from '../../../../src/mover/tree/tree-plan.js';
import { treeFile } from '../../../../src/tree/tree-paths.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const TREE = 'nightly/store';
const COPIED = 'the first of them';
const NEW_FILE: PlannedFile = {
  path: 'data/first',
  stamp: { sizeBytes: COPIED.length, modifiedAtNs: '1', changedAtNs: '1', inode: '7' },
  mode: null,
  held: null,
};

/** An index that took what has become of it for what was copied would say that the source has something else for ever. */
it.each([
  ['is what was announced', COPIED, hash('sha256', COPIED), true],
  ['was cut since', COPIED.slice(0, 8), hash('sha256', COPIED), false],
  ['has other bytes of that length since', COPIED.toUpperCase(), hash('sha256', COPIED), false],
  ['has the length that was planned, and nothing was announced', COPIED, '', true],
  ['was cut since, and nothing was announced', COPIED.slice(0, 8), '', false],
])('a new file of a run that was stopped: it %s', async (_, lies, announced, isNamed) => {
  const target = new SimulatedRepository();
  await target.put(treeFile(TREE, NEW_FILE.path), Buffer.from(lies));
  const found = await digestOfNamed(target, TREE, NEW_FILE, announced);
  expect(found).toBe(isNamed ? hash('sha256', lies) : null);
});
