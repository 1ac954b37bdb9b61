import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { lookForNews } from '../../../../src/mover/look/news.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { toySetLayout } from '../../../support/tree/toy-trees.js';
import { START_MS, TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const JOB = testJob({
  ...{ mode: 'immediate', transactionLogs: true, compact: null },
  retention: { type: 'days', value: 14 },
});
const TREE = chainFolder(JOB.id, 'postgres-wal-wal');
const MIB = 1024 * 1024;

/** What the watch of a job would start a session for, and whether it has seen something else than before. */
async function newsOf(
  job: CopyJob,
  source: BackupRepository,
  target: BackupRepository,
): Promise<{ seen: string; ids: string[] }> {
  const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs: START_MS };
  const context = new InProcessMover(source, target).context();
  const { seen, workloads } = await lookForNews(context, { job, ...rest });
  return { seen, ids: workloads.map(({ id }) => id) };
}

describe('an archive of write-ahead log that grows', () => {
  async function archive(...numbers: number[]) {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const add = (number: number): Promise<void> =>
      source.put(`wal/00000001000000000000000${number}`, Buffer.alloc(MIB, number));
    for (const number of numbers) await add(number);
    let nowMs = START_MS;
    const copy = async () => {
      nowMs += 60_000;
      const { result, tasks } = await new LocalSessions([source, target]).tryToCopy(JOB, nowMs);
      return { ...tasks[0]!, result };
    };
    const points = async () => (await readTreeRecord(target, TREE))!.points;
    const writtenAt = async (number: number) => {
      const { stamp } = (await source.stat(`wal/00000001000000000000000${number}`))!;
      return new Date(Number(BigInt(stamp.modifiedAtNs) / 1_000_000n)).toISOString();
    };
    const news = () => newsOf(JOB, source, target);
    return { source, target, add, copy, points, writtenAt, news };
  }

  it('is news with each segment, and its point goes on to that segment', async () => {
    const { add, copy, points, writtenAt, news } = await archive(1, 2);
    expect((await copy()).result).toBe('success');
    const [first] = await points();
    expect(first).toMatchObject({ createdAt: await writtenAt(2), sizeBytes: 2 * MIB });
    const before = await news();
    expect(before.ids).toEqual([]);

    await add(3);
    const after = await news();
    expect(after).toEqual({ seen: expect.any(String) as string, ids: ['postgres-wal-wal'] });
    expect(after.seen).not.toBe(before.seen);
    expect(await copy()).toMatchObject({ result: 'success', committed: [first!.id] });
    expect(await points()).toEqual([
      {
        ...first,
        ...{ createdAt: await writtenAt(3), copiedAt: '2026-11-25T00:02:00.000Z' },
        ...{ sizeBytes: 3 * MIB, fileCount: 3 },
      },
    ]);

    expect((await news()).ids).toEqual([]);
    expect((await copy()).result).toBe('nothingToCopy');
  });

  it('keeps its point as it was while a new segment cannot be read, and says so', async () => {
    const { source, add, copy, points, news } = await archive(1, 2);
    await copy();
    const before = await points();
    await add(3);
    const { openRead } = source;
    source.openRead = (path) =>
      path.endsWith('3') ? Promise.reject(denied(path)) : openRead.call(source, path);
    const { result, notes } = await copy();
    expect(result).toBe('warning');
    expect(notes.join('; ')).toContain(
      `restore point 000000010000000000000001 is in the copy as of ${before[0]!.createdAt} alone: 1 file of the store could not be copied`,
    );
    expect(await points()).toEqual(before);
    expect((await news()).ids).toEqual(['postgres-wal-wal']);
    source.openRead = openRead;
    expect((await copy()).result).toBe('success');
    expect((await points())[0]).toMatchObject({ sizeBytes: 3 * MIB, fileCount: 3 });
  });

  it('says that a segment is missing no longer than it is', async () => {
    const { add, copy, points } = await archive(1, 3);
    await copy();
    expect((await points()).map(({ gap }) => gap)).toEqual([
      undefined,
      'the write-ahead log 000000010000000000000002 is missing',
    ]);
    await add(2);
    await copy();
    const [whole, late] = await points();
    expect(whole).toMatchObject({ sizeBytes: 3 * MIB });
    expect(late!.goneSince).toBeDefined();
  });
});

it('a busy archive of compressed segments has a point up to those that are closed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'longhaul-wal-'));
  try {
    await mkdir(join(root, 'wal'));
    const add = async (number: number, atMs: number) => {
      const path = join(root, `wal/00000001000000000000000${number}.gz`);
      await writeFile(path, `segment ${number}`);
      await utimes(path, atMs / 1000, atMs / 1000);
    };
    const source = await openDirectoryRepository({ id: 'primary', rootPath: root, readOnly: true });
    const target = new SimulatedRepository('offsite');
    const copy = async (nowMs: number) => {
      const { tasks } = await new LocalSessions([source, target]).tryToCopy(JOB, nowMs);
      const [point, ...others] = (await readTreeRecord(target, TREE))!.points;
      expect(others).toEqual([]);
      return [tasks[0]!.result, Date.parse(point!.createdAt)];
    };
    // One each 40 seconds: what was written in the last minute may be open.
    const atMs = (number: number) => START_MS + number * 40_000;
    for (const number of [1, 2, 3, 4]) await add(number, atMs(number));
    expect(await copy(atMs(4) + 1_000)).toEqual(['success', atMs(2)]);
    await add(5, atMs(5));
    expect(await copy(atMs(5) + 1_000)).toEqual(['success', atMs(3)]);
  } finally {
    await rm(root, { recursive: true });
  }
});

it('a set that gets a file after it was copied is news once', async () => {
  makeTreesKnown(toySetLayout);
  const world = new TreeWorld('sets', 'toysets', { ...JOB, mode: 'periodic' });
  const news = async () => (await newsOf(world.job, world.source, world.target)).ids;
  await world.write('db-25.a.set', 'a');
  await world.write('db-25.done', '');
  await world.copy();
  expect(await news()).toEqual([]);
  await world.write('db-25.b.set', 'b');
  expect(await news()).toEqual(['toysets:sets']);
  expect((await world.copy()).result).toBe('success');
  expect((await world.record()).points[0]!.files).toEqual([
    ...['db-25.a.set', 'db-25.done', 'db-25.b.set'],
  ]);
  expect(await news()).toEqual([]);
});

it.each([
  ['grows', 7000, 'success'],
  // It is shown with its date as before: nothing but its tool can tell whether somebody has spoilt it.
  ['is written anew and is smaller', 3000, 'warning'],
])('a set whose file %s under its name is news once', async (_, bytes, result) => {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  // Compressed files of SQL Server: how many sets are in them nobody knows.
  const put = (name: string, size: number) =>
    source.put(`b/${name}`, Buffer.concat([Buffer.from('MSSQLBAK'), Buffer.alloc(size, 7)]));
  let nowMs = START_MS;
  const copy = async () => {
    nowMs += 60_000;
    const { tasks } = await new LocalSessions([source, target]).tryToCopy(JOB, nowMs);
    return tasks[0]!.result;
  };
  const news = () => newsOf(JOB, source, target);
  await put('Sales_full_20261123.bak', 20_000);
  await put('Sales_20261124.trn', 5000);
  expect(await copy()).toBe('success');
  const before = await news();
  expect(before.ids).toEqual([]);

  await put('Sales_20261124.trn', bytes);
  const after = await news();
  expect(after.ids).toEqual(['mssql-sales-b']);
  expect(after.seen).not.toBe(before.seen);
  expect(await copy()).toBe(result);
  const { points } = (await readTreeRecord(target, chainFolder(JOB.id, 'mssql-sales-b')))!;
  expect(points.map(({ kind, sizeBytes }) => [kind, sizeBytes])).toEqual([
    ['full', 20_008],
    ['log', bytes + 8],
  ]);
  expect((await news()).ids).toEqual([]);
});
