import { expect, it } from 'vitest';
import { FaultList } from '../../../../src/domain/trees/file-faults.js';
import { listClass } from '../../../../src/mover/tree/plan/walk-tree.js';
import { UnreadPlaces } from '../../../../src/mover/tree/plan/unread-places.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { noLosses } from '../../../support/tree/no-losses.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';

it('copies one of two files of sets that the target takes for one, and names the other', async () => {
  const repository = new SimulatedRepository('primary');
  const files = ['db-1.A.set', 'db-1.a.set'];
  for (const name of files) await repository.put(`db/${name}`, Buffer.from(name));
  const point = { id: 'db-1', createdAtMs: 1, kind: 'full', needs: [], files } as const;
  const points = [{ ...point, state: 'complete', reason: null } as const];
  const faults = new FaultList();
  const names = { caseSensitive: false, accentSensitive: true };
  const limits = { names, maxFileBytes: 100 };
  const tree = { root: 'db', points };
  const { rules } = toySetLayout;
  const walk = {
    repository,
    tree,
    rules,
    nowMs: 2,
    settleMs: 0,
    limits,
    faults,
    emptyFolders: new FaultList(),
    unread: new UnreadPlaces(rules, points),
    losses: noLosses(rules),
  };
  const listed: string[] = [];
  for await (const part of listClass(walk, 0)) listed.push(...part.map(({ path }) => path));
  expect(listed).toEqual(['db-1.A.set']);
  expect(faults.faults.examples.map(({ path }) => path)).toEqual(['db-1.a.set']);
});
