import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { testJob } from '../../../support/session/test-site.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { TreeWorld } from '../../../support/tree/tree-world.js';

const KEYS = ['{"scrypt":1}', '{"scrypt":2}', '{"scrypt":3}'] as const;

function keyPath(key: string): string {
  return `keys/${createHash('sha256').update(key).digest('hex')}`;
}

/** What `borg init -e repokey` of borg 1.2.4 writes, the key cut. */
function borgConfig(...more: readonly string[]): string {
  return [
    ...['[repository]', 'version = 1', 'segments_per_dir = 1000', 'max_segment_size = 524288000'],
    ...['append_only = 0', 'storage_quota = 0', 'additional_free_space = 0', `id = ${ID}`],
    ...[
      'key = hqlhbGdvcml0aG2mc2hhMjU2pGRhdGHaAN7l',
      '\tVbvZfzW5J6KzGM4wLZ8H2A==',
      ...more,
      '',
      '',
    ],
  ].join('\n');
}

const ID = '3f'.repeat(32);

/** As pgBackRest writes one: the SHA-1 of all but itself, as JSON. */
function info(dbId: number): string {
  const sum = `{"backrest":{"backrest-format":5},"db":{"db-id":${dbId}}}`;
  const checksum = createHash('sha1').update(sum).digest('hex');
  return `[backrest]\nbackrest-checksum="${checksum}"\nbackrest-format=5\n\n[db]\ndb-id=${dbId}\n`;
}

const STORES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  restic: {
    config: 'sealed parameters',
    [keyPath(KEYS[0])]: KEYS[0],
    [keyPath(KEYS[1])]: KEYS[1],
  },
  borg: { README: 'This is a Borg Backup repository.', config: borgConfig(), 'index.3': 'index' },
  'pgbackrest-main': {
    'archive/main/archive.info': info(1),
    'backup/main/backup.info': 'Salted__12345678sealed',
  },
  kopia: { 'kopia.repository.f': '{"tool":"x"}', 'kopia.blobcfg.f': 'sealed', '.shards': '{}' },
};

/** Enough of what never changes: one file more or less is no share of it. */
const FILLING: Readonly<Record<string, (i: number) => [string, string]>> = {
  restic: (i) => {
    const text = `pack ${i}`;
    const name = createHash('sha256').update(text).digest('hex');
    return [`data/${name.slice(0, 2)}/${name}`, text];
  },
  borg: (i) => [`data/0/${i}`, `segment ${i}`],
  'pgbackrest-main': (i) => [
    `archive/main/16-1/0000000100000000/00000001000000000000000${i}-${'ab'.repeat(20)}`,
    `log ${i}`,
  ],
  kopia: (i) => [`p0${i}/p0${i}0/rest.f`, `pack ${i}`],
};

function jobOf(tool: string): CopyJob {
  if (tool !== 'pgbackrest-main') return shareJob(`${tool}-store`);
  const retention = { type: 'days', value: 14 } as const;
  return testJob({ mode: 'immediate', transactionLogs: true, retention });
}

async function copiedStore(tool: string): Promise<TreeWorld> {
  const world = new TreeWorld('store', tool, jobOf(tool), `${tool}-store`);
  for (let i = 0; i < 8; i++) await world.write(...FILLING[tool]!(i));
  for (const [path, text] of Object.entries(STORES[tool]!)) await world.write(path, text);
  if (tool === 'restic')
    for (const folder of ['index', 'snapshots']) {
      const name = createHash('sha256').update(folder).digest('hex');
      await world.write(`${folder}/${name}`, folder);
    }
  if (tool === 'kopia') await world.write('n0/n00/rest.f', 'index');
  expect((await world.copy()).result).toBe('success');
  return world;
}

type Act = (world: TreeWorld) => Promise<unknown>;

describe('a source in which the file that opens the store', () => {
  it.each<[string, string, string, Act]>([
    ['restic', 'is empty', 'config', (world) => world.write('config', '')],
    ['restic', 'has other bytes', 'config', (world) => world.write('config', 'sealed pArameters')],
    [
      'restic',
      'of the last key is gone',
      KEYS.slice(0, 2).map(keyPath).sort()[0]!,
      async (world) => {
        for (const key of KEYS.slice(0, 2)) await world.remove(keyPath(key));
      },
    ],
    ['borg', 'has bytes of somebody else', 'config', (world) => world.write('config', '\x9cX\x00')],
    [
      'borg',
      'has another key',
      'config',
      (world) => world.write('config', borgConfig().replace('Vbv', 'Vbw')),
    ],
    [
      'pgbackrest-main',
      'is no information file any more',
      'archive/main/archive.info',
      (world) => world.write('archive/main/archive.info', info(2).replace('db-id=2', 'db-id=3')),
    ],
    [
      'pgbackrest-main',
      'is sealed by somebody else',
      'backup/main/backup.info',
      (world) => world.write('backup/main/backup.info', 'Locked__12345678sealed'),
    ],
    ['kopia', 'is locked', 'kopia.repository.f', (world) => world.write('kopia.repository.f', 'Z')],
    [
      'kopia',
      'of its parameters is gone',
      'kopia.blobcfg.f',
      (world) => world.remove('kopia.blobcfg.f'),
    ],
    ['kopia', 'says other folders', '.shards', (world) => world.write('.shards', '{"default":[]}')],
  ])(
    'of %s %s changes nothing in the copy until an operator agrees',
    async (tool, _, path, harm) => {
      const world = await copiedStore(tool);
      const before = await world.copied();
      await harm(world);
      // New data come along: nothing of them is taken either.
      await world.write(...FILLING[tool]!(9));
      const { tasks } = await world.copy();
      expect(tasks).toMatchObject([{ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' }]);
      expect(tasks[0]!.reason).toContain(JSON.stringify(path));
      expect(await world.copied()).toEqual(before);
      const agreed = await world.copy({ acceptChanges: true });
      expect(agreed.tasks[0]!.result).toBe('success');
      expect((await world.copied()).get(path)).toEqual(world.files.get(path) ?? before.get(path));
    },
  );

  it.each<[string, string, Act]>([
    [
      'restic',
      'is written anew with its bytes',
      (world) => world.write('config', 'sealed parameters'),
    ],
    [
      'restic',
      'gets a new key, and loses the old ones',
      async (world) => {
        await world.write(keyPath(KEYS[2]), KEYS[2]);
        for (const key of KEYS.slice(0, 2)) await world.remove(keyPath(key));
      },
    ],
    ['restic', 'loses one key of two', (world) => world.remove(keyPath(KEYS[1]))],
    [
      'pgbackrest-main',
      'is written anew by a backup',
      async (world) => {
        await world.write('archive/main/archive.info', info(2));
        await world.write('backup/main/backup.info', 'Salted__87654321other bytes');
      },
    ],
    ['borg', 'is written anew by a check', (world) => world.write('config', borgConfig())],
    [
      'borg',
      'notes how far a check has come',
      (world) => world.write('config', borgConfig('last_segment_checked = 12')),
    ],
    [
      'borg',
      'says another quota',
      (world) => world.write('config', borgConfig().replace('quota = 0', 'quota = 5000000000')),
    ],
  ])('of %s %s is at work', async (tool, _, work) => {
    const world = await copiedStore(tool);
    await work(world);
    await world.write(...FILLING[tool]!(9));
    expect((await world.copy()).tasks).toMatchObject([{ result: 'success' }]);
    for (const [path, bytes] of world.files)
      expect((await world.copied()).get(path), path).toEqual(bytes);
  });
});

it('a config that borg wrote anew, beside a damaged one of the copy, is asked about in words that name the copy', async () => {
  const world = await copiedStore('borg');
  await world.damage('config', Buffer.from(borgConfig().replace('Vbv', 'Vbw')));
  await world.write('config', borgConfig('last_segment_checked = 12'));
  const [task] = (await world.copy()).tasks;
  expect(task).toMatchObject({ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' });
  expect(task!.reason).toContain('the copy may be the damaged one');
  expect(task!.reason).not.toContain('password');
});

it('40 segments of borg that were locked, each with a footer, go over none of the good ones', async () => {
  const world = await copiedStore('borg');
  for (let i = 8; i < 40; i++) await world.write(...FILLING['borg']!(i));
  expect((await world.copy()).result).toBe('success');
  const before = await world.copied();
  for (let i = 0; i < 40; i++) await world.write(`data/0/${i}`, `locked ${i} and how to pay`);
  const { tasks } = await world.copy();
  expect(tasks).toMatchObject([{ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' }]);
  expect(await world.copied()).toEqual(before);
});
