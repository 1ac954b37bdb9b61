import { describe, expect, it } from 'vitest';
import { holdLease, LEASE_MS, releaseLease } from '../../../../src/chain/leases.js';
import type { TreePoint } from '../../../../src/domain/trees/source-tree.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
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

class OneNameWorld extends TreeWorld {
  constructor(private readonly immutableForDays: number) {
    makeTreesKnown(oneNameLayout);
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
