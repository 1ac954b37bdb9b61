import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetTreePoint } from '../../../src/domain/trees/target-tree.js';
import { findTrees } from '../../../src/tree/find-trees.js';
import { pointsAsRestorePoints, totalsOf, treePointView } from '../../../src/tree/show-tree.js';
import type { TreeRecord } from '../../../src/tree/tree-record.js';
import { readTreeRecord, takeTree, writeTreeRecord } from '../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const CREATED = '2026-11-20T01:00:00.000Z';
const SOURCE = { layout: 'toy-store', sourceRepositoryId: 'primary' };

function pointOf(id: string, more: Partial<TargetTreePoint> = {}): TargetTreePoint {
  return {
    ...{ id, createdAt: CREATED, copiedAt: CREATED, kind: 'full', needs: [], files: ['a'] },
    ...{ fileCount: 1, sizeBytes: 7, health: 'good', verifiedAt: null, flags: [] },
    source: { repositoryId: 'primary', restorePointId: `of ${id}` },
    ...more,
  };
}

async function take(
  repository: SimulatedRepository,
  name: string,
  folder = chainFolder('job', name),
): Promise<TreeRecord> {
  const identity = { jobId: 'job', workload: { id: name, name, type: 'toy-store' } };
  return takeTree(repository, folder, identity, SOURCE, 'me', null);
}

describe('the record of a tree', () => {
  it('begins with nothing in it', async () => {
    const repository = new SimulatedRepository();
    expect(await readTreeRecord(repository, 'job/db')).toBeNull();
    expect(await take(repository, 'db')).toMatchObject({
      ...SOURCE,
      ...{ points: [], index: [], pending: null, changedAt: null, revision: 1, epoch: 1 },
    });
  });

  it('is not begun over files that no record lists', async () => {
    const repository = new SimulatedRepository();
    const folder = chainFolder('job', 'db');
    await repository.makePlace(`${folder}/files`);
    await repository.put(`${folder}/files/a`, Buffer.from('a'));
    await expect(take(repository, 'db')).rejects.toMatchObject({
      code: 'CHAIN_RECORD_LOST',
      details: { folder },
    });
  });

  it('is read as it was written, with points of every kind and a removal', async () => {
    const repository = new SimulatedRepository();
    const folder = chainFolder('job', 'db');
    const run = { name: 'r.run', entryCount: 2, digest: 'ab' };
    const index = { class: 'data', match: '.', fileCount: 2, sizeBytes: 9, goneCount: 1 };
    const written = await writeTreeRecord(repository, folder, {
      ...(await take(repository, 'db')),
      points: [
        pointOf('1', { gap: 'logs are missing', goneSince: CREATED, flags: ['weekly'] }),
        pointOf('2', { kind: 'snapshot', files: null, verifiedAt: CREATED, health: 'corrupt' }),
        ...(['increment', 'log'] as const).map((kind) => pointOf(kind, { kind })),
      ],
      index: [{ ...index, runs: [run] }],
      pending: { type: 'remove', runs: [{ class: 'data', run }], reason: 'they are gone' },
      changedAt: CREATED,
    });
    expect(await readTreeRecord(repository, folder)).toEqual(written);
  });
});

describe('all trees of a target', () => {
  const found = async (repository: SimulatedRepository) => {
    const { trees, unreadable } = await findTrees(repository);
    return {
      trees: trees.map(({ folder, record }) => [folder, record.workload.name]),
      unreadable: unreadable.map(({ path, code }) => [path, code]),
    };
  };

  it('are those with a record or its copy, whatever else lies beside them', async () => {
    const repository = new SimulatedRepository();
    await take(repository, 'a');
    await take(repository, 'b');
    await repository.remove('job/b/tree.json');
    await repository.makePlace('job/chain');
    await repository.makePlace('.longhaul/x');
    await repository.put('job/tree.json', Buffer.from('{}'));
    await repository.put('file', Buffer.from('{}'));
    expect(await found(repository)).toEqual({
      trees: [
        ['job/a', 'a'],
        ['job/b', 'b'],
      ],
      unreadable: [],
    });
  });

  it('name one that is damaged and one that lies elsewhere than it says, and show the others', async () => {
    const repository = new SimulatedRepository();
    await take(repository, 'a');
    await take(repository, 'b');
    await take(repository, 'moved', 'job/elsewhere');
    for (const name of ['tree.json', 'tree.json.copy'])
      await repository.put(`job/b/${name}`, Buffer.from('{'));
    expect(await found(repository)).toEqual({
      trees: [['job/a', 'a']],
      unreadable: [
        ['job/b', 'CHAIN_RECORD_CORRUPT'],
        ['job/elsewhere', 'CHAIN_FOREIGN'],
      ],
    });
  });

  it('name a folder of a job that cannot be listed, and show the others', async () => {
    const repository = new SimulatedRepository();
    await take(repository, 'a');
    await repository.makePlace('other/x');
    const list = repository.list.bind(repository);
    repository.list = (folder) =>
      folder === 'other'
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'it cannot be read'))
        : list(folder);
    expect(await found(repository)).toEqual({
      trees: [['job/a', 'a']],
      unreadable: [['other', 'REPOSITORY_IO_ERROR']],
    });
  });

  it('name a copy that cannot be asked for, and show those beside it', async () => {
    const repository = new SimulatedRepository();
    await take(repository, 'a');
    await take(repository, 'b');
    const stat = repository.stat.bind(repository);
    repository.stat = (path) =>
      path === 'job/b/tree.json'
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'it cannot be read'))
        : stat(path);
    expect(await found(repository)).toEqual({
      trees: [['job/a', 'a']],
      unreadable: [['job/b', 'REPOSITORY_IO_ERROR']],
    });
  });
});

describe('a tree as it is shown', () => {
  const record = {
    ...{ jobId: 'job', workload: { id: 'db', name: 'DB', type: 'toy-store' } },
    points: [
      pointOf('1'),
      pointOf('2', { kind: 'log', needs: ['of 1', 'of 3'], gap: 'logs are missing' }),
      pointOf('3', { kind: 'increment', needs: ['of 1'], health: 'corrupt', gap: 'x' }),
      pointOf('4', { kind: 'snapshot', needs: ['of nothing'], files: null }),
    ],
    index: [
      { fileCount: 2, sizeBytes: 30 },
      { fileCount: 1, sizeBytes: 4 },
    ],
  } as unknown as TreeRecord;

  it('has the files and bytes of all its classes', () => {
    expect(totalsOf(record)).toEqual({ fileCount: 3, sizeBytes: 34 });
  });

  it('has fulls and increments without disks, each a chain of its own', () => {
    expect(pointsAsRestorePoints(record).map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      ...['1 full', '2 increment', '3 increment', '4 full'],
    ]);
    expect(pointsAsRestorePoints(record)[1]).toMatchObject({
      ...{ parentId: null, chainId: '2', copyId: '2', state: 'available', disks: [] },
      ...{ companions: [], source: { restorePointId: 'of 2', fingerprint: null } },
    });
  });

  it('shows of a point what it builds on, where it lies and what is wrong with it', () => {
    const shown = record.points.map((point) => treePointView(record, point, ['a rule']));
    const keys = shown.map(({ id }) => id);
    expect(shown.map(({ parentId }) => parentId)).toEqual([null, keys[2], keys[0], null]);
    expect(shown.map(({ reason }) => reason)).toEqual([
      ...[null, 'logs are missing', 'files of the copy were found to be damaged or lost', null],
    ]);
    expect(shown[1]).toMatchObject({
      ...{ workload: 'DB', workloadType: 'toy-store', jobId: 'job', kind: 'log', chainId: null },
      ...{ complete: true, state: 'complete', lookAgainAt: null, keptBecause: ['a rule'] },
      files: [{ disk: 'files', format: 'tree', sizeBytes: 7, path: 'job/db/files' }],
    });
  });
});
