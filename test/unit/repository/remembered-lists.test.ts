import { expect, it } from 'vitest';
import { TREE_LAYOUTS } from '../../../src/layout/tree-layouts.js';
import { RememberedLists } from '../../../src/repository/remembered-lists.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const namesIn = async (lists: RememberedLists, folder: string) =>
  (await lists.source.list(folder)).map(({ name }) => name);

async function withFile(path: string): Promise<{
  readonly repository: SimulatedRepository;
  readonly lists: RememberedLists;
  readonly listed: string[];
}> {
  const repository = new SimulatedRepository();
  await repository.put(path, Buffer.from('1'));
  const listed: string[] = [];
  const list = repository.list.bind(repository);
  repository.list = (folder) => {
    listed.push(folder);
    return list(folder);
  };
  return { repository, lists: new RememberedLists(repository), listed };
}

it('gives out the newest list of a folder once, and then what its storage lists', async () => {
  const { repository, lists, listed } = await withFile('a/1');
  expect(await namesIn(lists, 'a')).toEqual(['1']);
  await repository.put('a/2', Buffer.from('2'));
  expect(await namesIn(lists, 'a')).toEqual(['1', '2']);
  lists.giveOut();
  await repository.put('a/3', Buffer.from('3'));
  expect(await namesIn(lists, 'a')).toEqual(['1', '2']);
  expect(await namesIn(lists, 'a')).toEqual(['1', '2', '3']);
  expect(await namesIn(lists, 'a')).toEqual(['1', '2', '3']);
  expect(listed).toEqual(['a', 'a', 'a', 'a']);
});

it('lists anew what it was told to forget', async () => {
  const { repository, lists } = await withFile('a/1');
  expect(await namesIn(lists, 'a')).toEqual(['1']);
  lists.giveOut();
  await repository.put('a/2', Buffer.from('2'));
  lists.forget();
  expect(await namesIn(lists, 'a')).toEqual(['1', '2']);
});

it('remembers neither a folder that could not be listed nor more entries than it may hold', async () => {
  const { repository, lists, listed } = await withFile('a/1');
  const list = repository.list;
  repository.list = () => Promise.reject(new Error('away'));
  await expect(lists.source.list('a')).rejects.toThrow('away');
  const [entry] = await list('a');
  repository.list = (folder) => {
    listed.push(folder);
    return Promise.resolve(Array.from({ length: 20_000 }, () => entry!));
  };
  listed.splice(0);
  for (const folder of ['b', 'c', 'b']) await lists.source.list(folder);
  lists.giveOut();
  for (const folder of ['b', 'c', 'a']) await lists.source.list(folder);
  expect(listed).toEqual(['b', 'c', 'b', 'c', 'a']);
});

/** A file that names others may not be looked at with an older list of those: docs/ARCHITECTURE.md and ADR 20, the last class first. */
it('serves looks at shares of dated folders alone', () => {
  const once = TREE_LAYOUTS.filter(({ rules }) => rules.filesStandAlone === true);
  expect(once.map(({ name }) => name)).toEqual(['dated-tree']);
});
