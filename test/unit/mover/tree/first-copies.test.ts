import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { shareJob } from '../../../support/tree/live-stores.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

function named(folder: string, text: string): [string, string] {
  return [`${folder}/${createHash('sha256').update(text).digest('hex')}`, text];
}

const [PACK] = named('data/aa', 'pack');

/** A store, and what its tool looks for first. */
const STORES: [string, string, readonly (readonly [string, string])[]][] = [
  [
    'restic',
    'config',
    [
      ['config', 'sealed parameters'],
      ...['keys', 'data/aa', 'index', 'snapshots'].map((folder) =>
        named(folder, folder === 'data/aa' ? 'pack' : folder),
      ),
    ],
  ],
  [
    'borg',
    'config',
    [
      ['README', 'This is a Borg Backup repository.'],
      ['config', '[repository]\nversion = 1\n'],
      ...[0, 1, 2, 3].map((i) => [`data/0/${i}`, `segment ${i}`] as const),
      ['index.3', 'index'],
      ['hints.3', 'hints'],
      ['integrity.3', 'integrity'],
      ['nonce', '0000000000000001'],
    ],
  ],
  [
    'kopia',
    'kopia.repository.f',
    [
      ['kopia.repository.f', '{"tool":"x"}'],
      ['kopia.blobcfg.f', 'sealed'],
      ['.shards', '{}'],
      ['p01/p010/rest.f', 'pack'],
      ['n0/n00/rest.f', 'index'],
      ['kopia.maintenance.f', 'sealed'],
    ],
  ],
];

async function storeOf(
  tool: string,
  files: readonly (readonly [string, string])[],
): Promise<TreeWorld> {
  const world = new TreeWorld('store', tool, shareJob(`${tool}-store`), `${tool}-store`);
  for (const [path, text] of files) await world.write(path, text);
  return world;
}

/** Files of the copy in the order in which they got their names. */
function namesGiven({ target, tree }: TreeWorld): string[] {
  const files = `${tree}/files/`;
  return target.operations.flatMap(({ kind, to }) =>
    kind === 'rename' && to!.startsWith(files) ? [to!.slice(files.length)] : [],
  );
}

it.each(STORES)(
  'the file by which %s knows a store (%s) is the last that a first copy names, and none that later ones do',
  async (tool, first, files) => {
    const world = await storeOf(tool, files);
    expect((await world.copy()).result).toBe('success');
    const given = namesGiven(world);
    expect(given.at(-1)).toBe(first);
    expect([...given].sort()).toEqual(files.map(([path]) => path).sort());
    await world.write(...(tool === 'restic' ? named('data/bb', 'more') : files.at(-2)!));
    await world.copy();
    expect(namesGiven(world).slice(given.length)).not.toContain(first);
  },
);

const MORE: Readonly<Record<string, [string, string]>> = {
  borg: ['data/0/4', 'segment 4'],
  kopia: ['p01/p010/more.f', 'pack'],
};

it.each(STORES)(
  'the file by which %s knows a store (%s) is the last that is named again when a target was wiped, and none while files are lacking',
  async (tool, first, files) => {
    const world = await storeOf(tool, files);
    expect((await world.copy()).result).toBe('success');
    for (const [path] of files) await world.damage(path, null);
    // A session that has nothing to copy does not look.
    await world.write(...(tool === 'restic' ? named('data/bb', 'more') : MORE[tool]!));
    const { openRead } = world.source;
    const unread = `store/${tool === 'kopia' ? 'p01/p010/rest.f' : files[2]![0]}`;
    world.source.openRead = (path) =>
      path === unread ? Promise.reject(denied(path)) : openRead.call(world.source, path);
    expect((await world.copy({ acceptChanges: true })).result).toBe('warning');
    expect([...(await world.copied()).keys()]).not.toContain(first);
    world.source.openRead = openRead;
    const given = namesGiven(world).length;
    expect((await world.copy({ acceptChanges: true })).result).not.toBe('failed');
    expect(namesGiven(world).slice(given).at(-1)).toBe(first);
    expect(await world.copied()).toEqual(world.files);
    expect((await world.record()).points.map(({ health }) => health)).not.toContain('corrupt');
  },
);

it('a store of which a pack cannot be read is none in its first copy until it can', async () => {
  const world = await storeOf('restic', STORES[0]![2]);
  const { openRead } = world.source;
  world.source.openRead = (path) =>
    path === `store/${PACK}` ? Promise.reject(denied(path)) : openRead.call(world.source, path);
  expect((await world.copy()).result).toBe('warning');
  expect([...(await world.copied()).keys()].map((path) => path.split('/')[0])).toEqual(['keys']);
  world.source.openRead = openRead;
  expect((await world.copy()).result).toBe('success');
  expect(namesGiven(world).at(-1)).toBe('config');
});
