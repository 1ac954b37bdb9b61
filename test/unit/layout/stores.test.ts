import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settledTreePoints } from '../../../src/domain/trees/settled-tree.js';
import { borgLayout } from '../../../src/layout/borg/borg.js';
import { datedTreeLayout } from '../../../src/layout/dated-tree/dated-tree.js';
import { kastenLayout, kopiaLayout } from '../../../src/layout/kopia/kopia.js';
import { pbsLayout } from '../../../src/layout/pbs/pbs.js';
import { resticLayout } from '../../../src/layout/restic/restic.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { scanTreesWith } from '../../support/layout/scan-trees-with.js';
import { treeOf } from '../../support/layout/tree.js';
import { className, shownTrees, unpack } from '../../support/layout/trees.js';

const HEX = 'ab'.repeat(32);
const AT = '2026-11-24T22:00:00.000Z';

/** Every file of a folder with its class, as `class: count`. */
async function classesIn(folder: string, layout: typeof resticLayout): Promise<object> {
  const counts: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    const name = className(layout.rules, path);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function notingLists(repository: BackupRepository): string[] {
  const lists: string[] = [];
  const list = repository.list.bind(repository);
  repository.list = (folder) => {
    lists.push(folder);
    return list(folder);
  };
  return lists;
}

describe.skipIf(REAL_FIXTURES === null)('real repositories', () => {
  it('of restic are workloads whose snapshots are points, of format 1, 2 and in use, and no pack is listed', async () => {
    const { repository, at } = await copyToRepository(null);
    for (const name of ['restic-v1-v2', 'restic-v2-inuse', 'upstream-copy-unstable-json'])
      await unpack(join(REAL_FIXTURES!, 'restic', `${name}.tar.zst`), at(''));
    const lists = notingLists(repository);
    const found = await shownTrees(repository);
    expect(found.map(({ id, type, points }) => [id, type, points?.map(([, , s]) => s)])).toEqual([
      ['restic-repo', 'restic', ['complete']],
      ['restic-v1', 'restic', ['complete', 'complete', 'complete']],
      ['restic-v2', 'restic', ['complete', 'complete', 'complete']],
      ['restic-v2-inuse', 'restic', ['complete', 'complete', 'complete']],
    ]);
    // The name of the one file in its `snapshots`, cut.
    expect(found[0]!.points![0]![0]).toBe('36455a4112e328d9');
    expect(lists.filter((folder) => folder.includes('data'))).toEqual([]);
  });

  it('of restic have no file that no class takes, and each is named by its SHA-256', async () => {
    const { at } = await copyToRepository(null);
    await unpack(join(REAL_FIXTURES!, 'restic', 'restic-v2-inuse.tar.zst'), at(''));
    const folder = at('v2-inuse');
    expect(await classesIn(folder, resticLayout)).toMatchObject({
      ...{ config: 1, keys: 1, index: 3, snapshots: 3, ignored: 1 },
    });
    expect(await classesIn(folder, resticLayout)).not.toHaveProperty('-');
    let checked = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
      const claimed = entry.isFile() ? resticLayout.rules.digestInName!(path) : null;
      if (claimed === null) continue;
      const bytes = await readFile(join(folder, path));
      expect(createHash('sha256').update(bytes).digest('hex'), path).toBe(claimed);
      checked++;
    }
    expect(checked).toBeGreaterThan(7);
  });

  it('of borg are workloads with the state of their last transaction', async () => {
    const { repository, at } = await copyToRepository(null);
    await unpack(join(REAL_FIXTURES!, 'borg', 'borg-repokey-and-plain.tar.zst'), at(''));
    const found = await shownTrees(repository);
    expect(found.map(({ id, type, points }) => [id, type, points?.map(([, , s]) => s)])).toEqual([
      ['borg-plain', 'borg', ['complete']],
      ['borg-repo', 'borg', ['complete']],
    ]);
    expect(await classesIn(at('repo'), borgLayout)).toEqual({
      ...{ config: 2, segments: 17, integrity: 1, hints: 1, index: 1, nonce: 1 },
    });
  });
});

describe('a repository of restic', () => {
  it.each([
    ['config', 'config'],
    [`keys/${HEX}`, 'keys'],
    [`data/ab/${HEX}`, 'data'],
    [`index/${HEX}`, 'index'],
    [`snapshots/${HEX}`, 'snapshots'],
    [`locks/${HEX}`, 'ignored'],
    [`data/ab/${HEX}-tmp-2716057`, 'ignored'],
    [`snapshots/${HEX}-restic-temp-qwqq`, 'ignored'],
    ['data/ab/notes.txt', '-'],
    ['README', '-'],
  ])('holds %s as %s', (path, expected) => {
    expect(className(resticLayout.rules, path)).toBe(expected);
  });

  it('is none without each of its folders', async () => {
    const { repository, at } = await treeOf({ 'a/config': 'x', 'a/snapshots/x': 'x' });
    for (const name of ['data', 'index']) await mkdir(at(`a/${name}`));
    expect(await shownTrees(repository)).toEqual([]);
    await mkdir(at('a/keys'));
    expect(await shownTrees(repository)).toEqual([
      {
        ...{ id: 'restic-a', name: 'a', type: 'restic', root: 'a', within: undefined },
        points: [],
      },
    ]);
  });
});

describe('a repository of borg', () => {
  it.each([
    ['README', 'config'],
    ['data/0/16', 'segments'],
    ['integrity.16', 'integrity'],
    ['hints.16', 'hints'],
    ['index.16', 'index'],
    ['nonce', 'nonce'],
    ['lock.exclusive/host@1.2-0', 'ignored'],
    ['lock.roster', 'ignored'],
    ['index.17.tmp', 'ignored'],
    ['data/0/16.beforerecover', '-'],
  ])('holds %s as %s', (path, expected) => {
    expect(className(borgLayout.rules, path)).toBe(expected);
  });

  it('keeps nothing that the source has compacted away', () => {
    expect(borgLayout.rules.keepRemovedForDays).toBe(0);
  });
});

describe('a repository of kopia', () => {
  // Names as real listings have them: one and two levels of shards, and none.
  const FILES = {
    'r/kopia.repository.f': 'x',
    'r/kopia.blobcfg.f': 'x',
    'r/kopia.maintenance.f': 'x',
    'r/.shards': '{"default":[1,3]}',
    'r/p/a0/3ff2b4c5d6e7f8091a2b3c4d5e6f708-s0a1b2c3d4e5f607.f': 'x',
    'r/q1f/a03ff2b4c5d6e7f8091a2b3c4d5e6f7-s0a1b2c3d4e5f607.f': 'x',
    'r/x/n0_/03ff2b4c5d6e7f8091a2b3c4d5e6f708-s0a1b2c3d4e5f607-c1.f': 'x',
    'r/_lo/g_2/0261124220000_1a2b_1.f': 'x',
    'r/s01/23456789abcdef-1.f': 'x',
  };

  it('is a workload with the state that its newest index shows, and its packs are not listed', async () => {
    const { repository } = await treeOf(FILES);
    const lists = notingLists(repository);
    expect(await shownTrees(repository)).toEqual([
      {
        ...{ id: 'kopia-r', name: 'r', type: 'kopia', root: 'r', within: undefined },
        points: [[AT, AT, 'complete']],
      },
    ]);
    expect(lists.some((folder) => folder.startsWith('r/p') || folder.startsWith('r/q'))).toBe(
      false,
    );
  });

  it('is one of Kasten below a folder k10, and has no point before its first index', async () => {
    const { repository } = await treeOf({
      'store/k10/4a1c/migration/shop/kopia.repository.f': 'x',
      'store/k10/4a1c/migration/shop/p01/234.f': 'x',
    });
    expect(await shownTrees(repository)).toMatchObject([
      { id: 'kasten-store:k10:4a1c:migration:shop', type: 'kasten', name: 'shop', points: [] },
    ]);
    expect(kastenLayout.type.rules.job).toBe('copy');
  });

  it('copies packs, then indexes, then what maintenance writes, and keeps .shards', () => {
    const names = Object.keys(FILES).map((path) => className(kopiaLayout.rules, path.slice(2)));
    expect(names).toEqual([
      ...['format', 'format', 'maintenance', 'format'],
      ...['packs', 'packs', 'indexes', 'logs', 'ignored'],
    ]);
    const order = kopiaLayout.rules.classes.map(({ name }) => name);
    expect(order).toEqual(['format', 'packs', 'indexes', 'logs', 'maintenance']);
  });
});

describe('a datastore of Proxmox Backup Server', () => {
  const SNAPSHOT = 'vm/100/2026-11-24T22:00:00Z';

  it('is a workload; a snapshot is a point once its manifest is written, in any namespace', async () => {
    const { repository } = await treeOf({
      [`.chunks/abab/${HEX}`]: 'x',
      'vm/100/owner': 'root@pam',
      [`${SNAPSHOT}/drive-scsi0.img.fidx`]: 'x',
      [`${SNAPSHOT}/index.json.blob`]: 'x',
      'ct/200/2026-11-24T23:00:00Z/root.pxar.didx': 'x',
      'ns/site/ns/a/host/web/2026-11-24T21:00:00Z/index.json.blob': 'x',
      'vm/100/2026-13-24T22:00:00Z/index.json.blob': 'x',
    });
    const lists = notingLists(repository);
    expect(await shownTrees(repository)).toEqual([
      {
        ...{ id: 'pbs-.', name: 'pbs', type: 'proxmox-backup-server', root: '' },
        within: ['.chunks', 'ct', 'ns', 'vm'],
        points: [
          ['ns/site/ns/a/host/web/2026-11-24T21:00:00Z', '2026-11-24T21:00:00.000Z', 'complete'],
          [SNAPSHOT, AT, 'complete'],
          [
            ...['ct/200/2026-11-24T23:00:00Z', '2026-11-24T23:00:00.000Z'],
            'incomplete: its manifest index.json.blob is not written',
          ],
        ],
      },
    ]);
    expect(lists.some((folder) => folder.startsWith('.chunks'))).toBe(false);
  });

  it.each([
    ['vm/100/owner', 'owner'],
    ['vm/100/notes', 'owner'],
    [`.chunks/abab/${HEX}`, 'chunks'],
    [`${SNAPSHOT}/drive-scsi0.img.fidx`, 'indexes'],
    ['ct/2/x/root.pxar.didx', 'indexes'],
    [`${SNAPSHOT}/qemu-server.conf.blob`, 'blobs'],
    [`${SNAPSHOT}/client.log.blob`, 'blobs'],
    [`${SNAPSHOT}/index.json.blob`, 'manifests'],
    [`${SNAPSHOT}/.protected`, 'manifests'],
    [`${SNAPSHOT}/drive-scsi0.img.tmp_fidx`, 'ignored'],
    [`${SNAPSHOT}/index.json.tmp`, 'ignored'],
    ['.chunks/.lock', 'ignored'],
    ['.lock', 'ignored'],
    [`.chunks/abab/${HEX}.0.bad`, '-'],
  ])('holds %s as %s', (path, expected) => {
    expect(className(pbsLayout.rules, path)).toBe(expected);
  });

  it('names chunks by what they held before they were compressed or encrypted, which is no digest of the file', () => {
    expect(pbsLayout.rules.digestInName).toBeNull();
  });
});

describe('dated copies of a file share', () => {
  it('are points where a marker says so, the newest only once it is finished', async () => {
    const { repository, at } = await treeOf({
      'share/backup.marker': '',
      'share/2026-11-23-220000/a/b.txt': 'x',
      'share/2026-11-24-220000/a/b.txt': 'x',
      'share/lost/b.txt': 'x',
      'other/2026-11-24-220000/a/b.txt': 'x',
    });
    const expected = (newest: string) => [
      {
        ...{ id: 'dated-tree-share', name: 'share', type: 'dated-tree', root: 'share' },
        within: undefined,
        points: [
          ['2026-11-23-220000', '2026-11-23T22:00:00.000Z', 'complete'],
          ['2026-11-24-220000', AT, newest],
        ],
      },
    ];
    expect(await shownTrees(repository)).toEqual(expected('complete'));
    await writeFile(at('share/backup.inprogress'), '');
    expect(await shownTrees(repository)).toEqual(
      expected('inProgress: backup.inprogress says that it is being written'),
    );
  });

  it('are not whole while the newest folder is written, although its files have their old times', async () => {
    const { repository, at } = await treeOf({
      'share/backup.marker': '',
      'share/2026-11-23-220000/a/b.txt': 'x',
      'share/2026-11-24-220000/a/b.txt': 'x',
    });
    const old = new Date('2020-01-01T00:00:00Z');
    const stateAt = async (afterMs: number) => {
      const newest = await lstat(at('share/2026-11-24-220000/a'));
      const [tree] = await scanTreesWith(datedTreeLayout, repository);
      const rule = { nowMs: newest.ctimeMs + afterMs, settleMs: 60_000 };
      return settledTreePoints(tree!, rule).map(({ state }) => state);
    };
    const age = async () => {
      for (const path of ['a/b.txt', 'a', ''])
        await utimes(at(`share/2026-11-24-220000/${path}`), old, old);
    };
    await age();
    expect(await stateAt(59_000)).toEqual(['complete', 'inProgress']);
    expect(await stateAt(61_000)).toEqual(['complete', 'complete']);
  });

  it('keep what their hard links and times say', () => {
    expect(datedTreeLayout.rules.keeps).toEqual({
      ...{ modes: true, times: true, links: true },
    });
  });
});
