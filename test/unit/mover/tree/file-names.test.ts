import { link, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { FileNames } from '../../../../src/mover/tree/plan/file-names.js';
import { restorePointKey } from '../../../../src/domain/targets/repository-view.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../../src/repository/open-repository.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { DAY_MS, START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const JOB = testJob({
  ...{ kind: 'fileBackup', restorePoints: 'all', compact: null },
  retention: { type: 'days', value: 3 },
});
const TREE = chainFolder(JOB.id, 'dated-tree-share');
const [FIRST, SECOND, THIRD] = ['2026-11-22-010000', '2026-11-23-010000', '2026-11-24-010000'];
const LATER = '2026-12-02-010000';
/** More than a window, so that it has a digest table. */
const BIG = Buffer.alloc(8 * 1024 ** 2 + 5, 3);
const WRITTEN_MS = START_MS - 9 * DAY_MS;

let root: string;
let target: SimulatedRepository;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longhaul-names-'));
  target = new SimulatedRepository('offsite');
  await write('backup.marker', '');
});
afterEach(() => rm(root, { recursive: true }));

const place = (path: string) => join(root, 'share', path);

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(place(path)), { recursive: true });
  await writeFile(place(path), content);
  await utimes(place(path), WRITTEN_MS / 1000, WRITTEN_MS / 1000);
}

async function name(first: string, path: string): Promise<void> {
  await mkdir(dirname(place(path)), { recursive: true });
  await link(place(first), place(path));
}

/** What `rsync --link-dest` makes of a share of which nothing has changed. */
async function linkDate(from: string, to: string, except: readonly string[] = []): Promise<void> {
  for (const path of await pathsBelow(place(from)))
    if (!except.includes(path)) await name(`${from}/${path}`, `${to}/${path}`);
}

async function pathsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function sessions(on: readonly BackupRepository[] = [target]): Promise<LocalSessions> {
  const source = await openDirectoryRepository({ id: 'primary', rootPath: root, readOnly: true });
  return new LocalSessions([source, ...on]);
}

async function copy(nowMs: number, to: SimulatedRepository = target) {
  return (await sessions([to])).tryToCopy(JOB, nowMs);
}

/** Paths in groups, each the names of one file. */
async function groups(
  paths: readonly string[],
  inodeOf: (path: string) => Promise<string>,
): Promise<string[][]> {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const inode = await inodeOf(path);
    found.set(inode, [...(found.get(inode) ?? []), path]);
  }
  return [...found.values()];
}

const sourceGroups = async (): Promise<string[][]> =>
  groups(await pathsBelow(place('')), async (path) => String((await stat(place(path))).ino));

async function groupsIn(repository: BackupRepository, folder: string): Promise<string[][]> {
  const paths: string[] = [];
  const look = async (at: string): Promise<void> => {
    for (const entry of await repository.list(at))
      if (entry.type === 'folder') await look(entry.path);
      else paths.push(entry.path.slice(folder === '' ? 0 : folder.length + 1));
  };
  await look(folder);
  return groups(paths.sort(), async (path) => {
    const at = folder === '' ? path : `${folder}/${path}`;
    return (await repository.stat(at))!.stamp.inode;
  });
}

async function makeTwoDates(): Promise<void> {
  await write(`${FIRST}/a`, 'content of a');
  await write(`${FIRST}/docs/b`, 'content of b');
  await write(`${FIRST}/docs/big`, BIG);
  await name(`${FIRST}/a`, `${FIRST}/docs/twin of a`);
  await linkDate(FIRST, SECOND, ['docs/b']);
  await write(`${SECOND}/docs/b`, 'new content of b');
}
const DISTINCT_BYTES =
  'content of a'.length + 'content of b'.length + 'new content of b'.length + BIG.length;

it('of two file systems are never one file, although their numbers are equal', () => {
  const names = new FileNames();
  const stamp = { inode: '257', sizeBytes: 4096, modifiedAtNs: '1000', changedAtNs: '2000' };
  const first = names.firstOf('@monday/a', stamp, stamp.changedAtNs);
  const other = names.firstOf('@tuesday/a', stamp, '3000');
  expect([first, other, names.firstOf('@monday/b', stamp, '2000')]).toEqual([
    null,
    null,
    '@monday/a',
  ]);
});

// The first one bundles the workflows.
describe('files with several names', () => {
  it('are sent once, and are names of one file in the copy', async () => {
    await makeTwoDates();
    const { result, progress } = await copy(START_MS);
    expect({ result, readBytes: progress.readBytes }).toEqual({
      ...{ result: 'success', readBytes: DISTINCT_BYTES },
    });
    expect(await groupsIn(target, `${TREE}/files`)).toEqual(await sourceGroups());
    await linkDate(SECOND, THIRD);
    const next = await copy(START_MS + DAY_MS);
    expect({ result: next.result, readBytes: next.progress.readBytes }).toEqual({
      ...{ result: 'success', readBytes: 0 },
    });
    expect(await groupsIn(target, `${TREE}/files`)).toEqual(await sourceGroups());
    expect((await readTreeRecord(target, TREE))!.points).toHaveLength(3);
    expect((await copy(START_MS + DAY_MS + 60_000)).result).toBe('nothingToCopy');
  });

  it('stay whole when one of their names goes, and are verified one by one', async () => {
    await makeTwoDates();
    await copy(START_MS);
    await rm(place(FIRST), { recursive: true });
    await copy(START_MS + DAY_MS);
    await linkDate(SECOND, LATER);
    await copy(START_MS + 8 * DAY_MS);
    expect(await groupsIn(target, `${TREE}/files`)).toEqual(await sourceGroups());
    expect(
      (await target.list(`${TREE}/.index`)).filter(({ name }) => name.endsWith('.digests')),
    ).toHaveLength(2); // docs/big of two dates
    expect((await (await sessions()).verify('offsite', START_MS + 9 * DAY_MS)).result).toBe(
      'success',
    );
  });

  it('are restored as one file, those of one date alone', async () => {
    await makeTwoDates();
    await copy(START_MS);
    const record = (await readTreeRecord(target, TREE))!;
    const { id } = record.points.find(({ source }) => source.restorePointId === SECOND)!;
    const destination = new SimulatedRepository(folderRepositoryId('/tmp'));
    const { result } = await (
      await sessions([target, destination])
    ).restore(
      {
        ...{ repositoryId: 'offsite', destinationPath: '/tmp', format: 'same' },
        restorePointId: restorePointKey([JOB.id, record.workload.id, id]),
      },
      START_MS + DAY_MS,
    );
    expect(result).toBe('success');
    expect(await groupsIn(destination, '')).toEqual([
      [`${SECOND}/a`, `${SECOND}/docs/twin of a`],
      [`${SECOND}/docs/b`],
      [`${SECOND}/docs/big`],
      ['backup.marker'],
    ]);
  });

  it('become files of their own where the storage has no such names, and that is said', async () => {
    await makeTwoDates();
    const refused = () => Promise.reject(new BackupError('REPOSITORY_UNSUITED', 'no such names'));
    const plain = Object.assign(target, { linkFile: refused });
    const { result, tasks } = await copy(START_MS, plain);
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain('4 files are other names of files of the source');
    expect(await groupsIn(target, `${TREE}/files`)).toHaveLength(9);
  });

  it('are one file in the end wherever a power cut stops their names from being given', async () => {
    await makeTwoDates();
    await copy(START_MS);
    await linkDate(SECOND, THIRD);
    const expected = await sourceGroups();
    const whole = target.clone();
    await copy(START_MS + DAY_MS, whole);
    const steps = whole.operations.flatMap(({ kind, number, to = '' }) =>
      kind === 'link' && to.startsWith(TREE) ? [number] : [],
    );
    // The try whether there are such names; a, its twin, b, big, the table of big.
    expect(steps).toHaveLength(6);
    for (const [index, atOperation] of steps.entries()) {
      const when = index % 2 === 0 ? 'after' : 'before';
      const stopped = target.clone({ crash: { atOperation, when } });
      await copy(START_MS + DAY_MS, stopped).catch(() => undefined);
      const survivor = stopped.restart({ kind: 'power', seed: atOperation });
      expect((await copy(START_MS + 2 * DAY_MS, survivor)).result).toBe('success');
      expect(await groupsIn(survivor, `${TREE}/files`)).toEqual(expected);
      const check = (await sessions([survivor])).verify('offsite', START_MS + 3 * DAY_MS);
      expect((await check).result).toBe('success');
    }
  });
});
