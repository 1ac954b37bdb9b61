import { expect, it } from 'vitest';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

it('a new log of sets whose full the copy has lost is worth no more than that', async () => {
  makeTreesKnown(toySetLayout);
  const job = testJob({ transactionLogs: true, retention: { type: 'days', value: 14 } });
  const world = new TreeWorld('db', 'toysets', job);
  for (const day of [22, 23])
    for (const name of [`db-${day}.a.set`, `db-${day}.done`, `log-${day}-1.log`])
      await world.write(name, `content of ${name}`);
  await world.copy();
  await world.damage('db-22.a.set', null);
  await world.remove('db-22.a.set');
  await world.verify();
  for (const name of ['log-22-2.log', 'log-23-2.log'])
    await world.write(name, `content of ${name}`);

  await world.copy();

  const { points } = await world.record();
  expect(points.map(({ source, health }) => `${source.restorePointId} ${health}`)).toEqual([
    ...['db-22 corrupt', 'log-22-1 corrupt', 'log-22-2 corrupt'],
    ...['db-23 good', 'log-23-1 good', 'log-23-2 good'],
  ]);
});
