import { describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS, releaseLease } from '../../../../src/chain/leases.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import { pbmLayout } from '../../../../src/layout/mongodb/pbm.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { fixedFiles } from '../../../../src/mover/tree/plan/fixed-files.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

/** A tool that writes its backups into one file, as SQL Server does `WITH INIT` or `NOINIT`; `list.json` says which are in it: `[ms]`. */
const oneNameLayout: TreeLayout = {
  ...toySetLayout,
  name: 'toy-one-name',
  type: { ...toySetLayout.type, id: 'toy-one-name' },
  rules: {
    ...toySetLayout.rules,
    classes: [{ name: 'data', match: /\.bak$/, content: 'rewritten' }],
  },
  claim: ({ files }) => (files.includes('db.bak') ? { files } : null),
  scan: async (reader, folder) => {
    const dates = (await reader.readJson(`${folder}/list.json`, 1_000)) as number[];
    const points = dates.map((createdAtMs): TreePoint => ({
      ...{ id: `of ${createdAtMs}`, createdAtMs, kind: 'full', needs: [], files: ['db.bak'] },
      ...{ state: 'complete', reason: null },
    }));
    return [{ id: `toyone:${folder}`, name: folder, root: folder, within: ['db.bak'], points }];
  },
};

/** The same of a tool that gives each backup a file of its own and never writes to it again, so that one which grows was copied too early. */
const onceLayout: TreeLayout = {
  ...oneNameLayout,
  rules: {
    ...oneNameLayout.rules,
    classes: [{ name: 'data', match: /\.bak$/, content: 'rewritten', isWrittenOnce: () => true }],
  },
};

class OneNameWorld extends TreeWorld {
  constructor(
    private readonly immutableForDays: number,
    layout = oneNameLayout,
  ) {
    makeTreesKnown(layout);
    const retention = { type: 'days', value: 30 } as const;
    super('db', 'toyone', testJob({ retention, compact: null }));
  }

  /** The file has these backups now. */
  async backUp(content: string | Buffer, ...dates: number[]): Promise<void> {
    await this.write('db.bak', content);
    await this.write('list.json', JSON.stringify(dates));
  }

  async session() {
    this.nowMs += 60_000;
    const { immutableForDays } = this;
    const sessions = new LocalSessions([this.source, this.target], { immutableForDays });
    return (await sessions.tryToCopy(this.job, this.nowMs)).tasks[0]!;
  }

  async held(): Promise<string> {
    return (await this.copied()).get('db.bak')!.toString();
  }

  async points(): Promise<string[]> {
    return (await this.record()).points.map(({ source }) => source.restorePointId);
  }
}

const FIRST = Date.UTC(2026, 10, 24, 20);
const SECOND = FIRST + DAY_MS / 8;
const LARGE = 9 * 1024 ** 2;

// The first one bundles the workflows.
describe('another backup under the name of one that is immutable', () => {
  it.each<[string, string | Buffer, string | Buffer]>([
    ['has another size', 'first', 'the second'],
    ['has the same size', 'first', 'other'],
    ['is large', Buffer.alloc(LARGE, 'a'), Buffer.alloc(LARGE, 'b')],
  ])('is not copied, and told, as long as it is, when it %s', async (_, first, second) => {
    const world = new OneNameWorld(7);
    await world.backUp(first, FIRST);
    expect((await world.session()).result).toBe('success');
    await world.backUp(second, SECOND);
    for (let night = 0; night < 2; night++) {
      const { result, code, notes } = await world.session();
      expect([result, code]).toEqual(['warning', 'FILE_NOT_COPIED']);
      expect(notes.join('; ')).toContain(
        'the copy holds another backup under this name, which has to stay as it is for now',
      );
      expect((await world.held()) === first.toString()).toBe(true);
      expect(await world.points()).toEqual([`of ${FIRST}`]);
    }
    // The tool goes on; one that has stopped makes nothing old (ADR 9).
    world.nowMs += 7 * DAY_MS;
    const last = world.nowMs;
    await world.backUp(second, last);
    await world.session();
    expect((await world.held()) === second.toString()).toBe(true);
    expect(await world.points()).toEqual([`of ${last}`]);
  });

  it('is copied when it was added to the file behind that one', async () => {
    const world = new OneNameWorld(7);
    await world.backUp('first', FIRST);
    await world.session();
    await world.backUp('first and second', FIRST, SECOND);
    expect((await world.session()).result).toBe('success');
    expect(await world.held()).toBe('first and second');
    expect(await world.points()).toEqual([`of ${FIRST}`, `of ${SECOND}`]);
  });

  it('is one also when the tool still shows the first in a file of that size', async () => {
    const world = new OneNameWorld(7);
    await world.backUp('first', FIRST);
    await world.session();
    await world.backUp('FIRST', FIRST);
    expect((await world.session()).result).toBe('warning');
    expect(await world.held()).toBe('first');
  });

  it('is no other one when only the dates of the file are', async () => {
    const world = new OneNameWorld(7);
    await world.backUp('first', FIRST);
    await world.session();
    await world.backUp('first', FIRST);
    expect((await world.session()).result).not.toBe('warning');
    expect(await world.points()).toEqual([`of ${FIRST}`]);
  });
});

it.each<[string, 'restore' | 'verify', string]>([
  ['is not copied while that is being restored', 'restore', 'first'],
  ['is copied while that is being checked', 'verify', 'second'],
])('another backup under the name of one %s', async (_, purpose, expected) => {
  const world = new OneNameWorld(0);
  await world.backUp('first', FIRST);
  await world.session();
  await world.backUp('second', SECOND);
  const restorePointId = (await world.record()).points[0]!.id;
  const expiresAtMs = world.nowMs + LEASE_MS;
  await holdLease(world.target, world.tree, 'reader', { restorePointId, purpose, expiresAtMs });
  await world.session();
  expect(await world.held()).toBe(expected);
  await releaseLease(world.target, world.tree, 'reader');
  await world.session();
  expect(await world.held()).toBe('second');
});

describe('a backup of an immutable point that was copied before it was whole', () => {
  it.each<[string, Buffer, Buffer]>([
    ['of a small file', Buffer.from('the be'), Buffer.from('the beginning')],
    ['of a file that is large now', Buffer.from('the be'), Buffer.alloc(LARGE, 'the be')],
    ['of a large file', Buffer.alloc(LARGE, 'a'), Buffer.alloc(LARGE + 70_001, 'a')],
  ])('comes as it is now, when it begins with what was copied (%s)', async (_, torn, whole) => {
    const world = new OneNameWorld(7, onceLayout);
    await world.backUp(torn, FIRST);
    await world.session();
    await world.backUp(whole, FIRST);
    const { result, reason } = await world.session();
    expect([result, reason]).not.toContain('warning');
    expect((await world.copied()).get('db.bak')!.equals(whole)).toBe(true);
    expect(await world.points()).toEqual([`of ${FIRST}`]);
    expect((await world.verify()).result).toBe('success');
  });

  it.each<[string, Buffer, Buffer]>([
    ['of a small file', Buffer.from('the be'), Buffer.from('another beginning')],
    ['of a file that is large now', Buffer.from('the be'), Buffer.alloc(LARGE, 'a')],
    ['of a large file', Buffer.alloc(LARGE, 'a'), Buffer.alloc(LARGE + 70_001, 'b')],
  ])('stays when it begins otherwise, and that is told (%s)', async (_, first, other) => {
    const world = new OneNameWorld(7, onceLayout);
    await world.backUp(first, FIRST);
    await world.session();
    await world.backUp(other, FIRST);
    const { result, notes } = await world.session();
    expect(result).toBe('warning');
    expect(notes.join('; ')).toContain('it was written to since it was copied');
    expect(notes.join('; ')).not.toContain('a name of its own');
    expect((await world.copied()).get('db.bak')!.equals(first)).toBe(true);
  });
});

/** A store of Percona Backup for MongoDB with one backup of each night, and the mark that PBM keeps in it: the release that initialized it. */
async function pbmNight(world: TreeWorld, night: number, release: string): Promise<void> {
  const at = Date.UTC(2026, 10, night, 20) / 1000;
  const base = new Date(at * 1000).toISOString().replace('.000', '');
  const [dump, oplog] = [`${base}_rs0.dump`, `${base}_rs0.oplog`];
  const description = {
    ...{ name: base, type: 'logical', status: 'done', compression: 'none' },
    ...{ start_ts: at, last_write_ts: { T: at, I: 1 } },
    replsets: [{ name: 'rs0', backup_name: dump, oplog_name: oplog }],
  };
  await world.write('.pbm.init', release);
  for (const name of [dump, oplog]) await world.write(name, `content of ${name}`);
  await world.write(`${base}.pbm.json`, JSON.stringify(description));
}

it('a file of a store that every backup in it lists is copied as it is now, though some of them are immutable', async () => {
  makeTreesKnown(pbmLayout);
  const retention = { type: 'days', value: 30 } as const;
  const world = new TreeWorld('store', 'pbm', testJob({ retention, compact: null }), 'pbm-store');
  const session = async () => {
    world.nowMs += 10 * 60_000;
    const sessions = new LocalSessions([world.source, world.target], { immutableForDays: 7 });
    return (await sessions.tryToCopy(world.job, world.nowMs)).tasks[0]!;
  };
  await pbmNight(world, 23, '2.4.1');
  expect((await session()).result).toBe('success');
  await pbmNight(world, 24, '2.5.0');
  expect(await session()).toMatchObject({ result: 'success', reason: null });
  expect((await world.copied()).get('.pbm.init')!.toString()).toBe('2.5.0');
  expect((await world.record()).points).toHaveLength(2);
});

it('files of an immutable point stay when the clock jumps to the date of one that the copy doubts', async () => {
  const world = new OneNameWorld(7);
  const dates = { sure: FIRST, ahead: Date.UTC(2036, 10, 24, 20) };
  const shown = Object.entries(dates).map(([id, createdAtMs]): TreePoint => ({
    ...{ id, createdAtMs, kind: 'full', needs: [], files: [`${id}.bak`] },
    ...{ state: 'complete', reason: null },
  }));
  const points = shown.map(({ id, createdAtMs, kind, needs, files }) => ({
    ...{ id, kind, needs, files, fileCount: 1, sizeBytes: 1, flags: [] },
    ...{ health: 'good' as const, verifiedAt: null },
    createdAt: new Date(createdAtMs).toISOString(),
    copiedAt: new Date(FIRST).toISOString(),
    source: { repositoryId: 'primary', restorePointId: id },
  }));
  const { target, tree: chain } = world;
  const rules = onceLayout.rules;
  const input = { target, chain, immutableForDays: 7, nowMs: dates.ahead, rules };
  const stamp = (sizeBytes: number) => ({
    ...{ sizeBytes, modifiedAtNs: '0', changedAtNs: '0', inode: '1' },
  });
  const fixed = await fixedFiles(input, points, shown);
  expect(fixed.has('sure.bak', stamp(1), stamp(2))).toBe(true);
});
