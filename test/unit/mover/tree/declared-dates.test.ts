import { execFile, spawnSync } from 'node:child_process';
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { locationOf } from '../../../../src/bin/workers.js';
import type { RepositoryConfig } from '../../../../src/config/config.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { OVIRT_FIXTURE, testJob } from '../../../support/session/test-site.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { DAY_MS, filesBelow } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const ID = 'dated-tree-shares:docs';
const SHARE = 'backups/shares/docs';
const JOB = testJob({
  ...{ kind: 'fileBackup', restorePoints: 'all', compact: null },
  sources: { include: [{ repositoryId: 'primary', patterns: ['dated-tree-*'] }], exclude: [] },
  retention: { type: 'days', value: 3 },
});
const [FIRST, SECOND, THIRD] = ['2026-11-22', '2026-11-23', '2026-11-24'];
const NOW_MS = Date.parse('2026-12-25T00:00:00Z');
const LATER = '2026-12-29';
const hasRsync = spawnSync('rsync', ['--version']).error === undefined;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longhaul-dates-'));
  await write('live/report.txt', 'first');
  await write('live/plans/house.txt', 'never changes');
});
afterEach(() => rm(root, { recursive: true }));

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** As `rsync -a --link-dest=../<before> live/ <date>/`, by that where it is installed. */
async function backUp(date: string, before: string | null, share = SHARE): Promise<void> {
  const [from, to] = [join(root, 'live'), join(root, share, date)];
  await mkdir(dirname(to), { recursive: true });
  if (hasRsync) {
    const links = before === null ? [] : [`--link-dest=../${before}`];
    await promisify(execFile)('rsync', ['-a', ...links, `${from}/`, `${to}/`]);
    return;
  }
  await cp(from, to, { recursive: true, preserveTimestamps: true });
  if (before === null) return;
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name).slice(from.length + 1);
    const old = join(dirname(to), before, path);
    if (!(await readFile(old)).equals(await readFile(join(from, path)))) continue;
    await rm(join(to, path));
    await link(old, join(to, path));
  }
}

/** As a worker opens what is configured so. */
async function opened(contents: RepositoryConfig['contents']): Promise<BackupRepository> {
  const settings = { id: 'primary', role: 'primary', kind: 'directory', contents } as const;
  const limits = { taskLimit: 1, workloadLimit: 1, immutableForDays: 0, settleSeconds: 0 };
  const path = join(root, 'backups');
  const { isDated } = locationOf({ ...settings, ...limits, path } as RepositoryConfig);
  return openDirectoryRepository({ id: 'primary', rootPath: path, readOnly: true, isDated });
}

/** Whether a path of both dates is one file in the copy. */
async function areOneFile(
  target: SimulatedRepository,
  files: string,
  path: string,
): Promise<boolean> {
  const inodeOf = async (date: string) =>
    (await target.stat(`${files}/${date}/${path}`))!.stamp.inode;
  return (await inodeOf(FIRST)) === (await inodeOf(SECOND));
}

describe('folders of dates in a repository declared to hold copies of shares', () => {
  it('are restore points of one workload, copied with their hard links', async () => {
    await backUp(FIRST, null);
    await write('live/report.txt', 'second, longer');
    await backUp(SECOND, FIRST);
    await write('backups/notes/readme.txt', 'no date');
    const idsIn = async (contents: RepositoryConfig['contents']) =>
      (await scanRepository(await opened(contents))).map(({ id }) => id);
    expect(await idsIn('backups')).not.toContain(ID);
    expect(await idsIn('dated-tree')).toEqual([ID]);
    const target = new SimulatedRepository('offsite');
    const tree = chainFolder(JOB.id, ID);

    const { result } = await new LocalSessions([await opened('dated-tree'), target]).tryToCopy(
      JOB,
      NOW_MS,
    );

    expect(result).toBe('success');
    const { points } = (await readTreeRecord(target, tree))!;
    expect(points.map(({ source, health }) => [source.restorePointId, health])).toEqual([
      [FIRST, 'good'],
      [SECOND, 'good'],
    ]);
    const copied = await filesBelow(target, `${tree}/files`);
    expect([...copied].map(([path, bytes]) => [path, bytes.toString()]).sort()).toEqual([
      [`${FIRST}/plans/house.txt`, 'never changes'],
      [`${FIRST}/report.txt`, 'first'],
      [`${SECOND}/plans/house.txt`, 'never changes'],
      [`${SECOND}/report.txt`, 'second, longer'],
    ]);
    for (const path of ['plans/house.txt', 'report.txt'])
      expect(await areOneFile(target, `${tree}/files`, path)).toBe(path === 'plans/house.txt');
  });

  it('leave what lies beside them to its own layouts, or to be named', async () => {
    await backUp(FIRST, null, 'backups');
    await write('live/report.txt', 'second, longer');
    await backUp(SECOND, FIRST, 'backups');
    await cp(join(OVIRT_FIXTURE, 'mail01'), join(root, 'backups/vm01'), { recursive: true });
    await write('backups/rsync.log', 'sent 2 files');
    await write('backups/notes/readme.txt', 'no date');
    await write('backups/.kept/disk.bin', 'hidden');
    const unrecognised: string[] = [];
    const found = await scanRepository(await opened('dated-tree'), {
      onUnrecognised: ({ folder, examples }) => unrecognised.push(`${folder}: ${examples.join()}`),
    });
    expect(found.map(({ id, restorePoints }) => [id, restorePoints.length])).toEqual([
      ['dated-tree-.', 2],
      ['ovirt-vm01', 3],
    ]);
    expect(unrecognised.sort()).toEqual(['.: rsync.log', '.kept: disk.bin', 'notes: readme.txt']);
    const target = new SimulatedRepository('offsite');

    const { result, tasks } = await new LocalSessions([
      await opened('dated-tree'),
      target,
    ]).tryToCopy(JOB, NOW_MS);

    expect(tasks.map(({ reason }) => reason)).toEqual([null]);
    expect(result).toBe('success');
    const files = `${chainFolder(JOB.id, 'dated-tree-.')}/files`;
    expect([...(await filesBelow(target, files)).keys()].sort()).toEqual([
      `${FIRST}/plans/house.txt`,
      `${FIRST}/report.txt`,
      `${SECOND}/plans/house.txt`,
      `${SECOND}/report.txt`,
    ]);
    for (const path of ['plans/house.txt', 'report.txt'])
      expect(await areOneFile(target, files, path)).toBe(path === 'plans/house.txt');
  });

  it.each([
    ['with', ['backup.marker']],
    ['without', []],
  ])('go from the copy when the source has pruned them, %s a marker', async (_, markers) => {
    for (const name of markers) await write(`${SHARE}/${name}`, '');
    await backUp(FIRST, null);
    await backUp(SECOND, FIRST);
    await backUp(THIRD, SECOND);
    const target = new SimulatedRepository('offsite');
    const datesAt = async (day: number) => {
      const sessions = new LocalSessions([await opened('dated-tree'), target]);
      await sessions.copy(JOB, NOW_MS + day * DAY_MS);
      const tree = chainFolder(JOB.id, ID);
      const { points } = (await readTreeRecord(target, tree))!;
      const paths = [...(await filesBelow(target, `${tree}/files`)).keys()];
      return [
        points.map(({ source, goneSince }) => [source.restorePointId, goneSince !== undefined]),
        [...new Set(paths.map((path) => path.split('/', 1)[0]))].sort(),
      ];
    };
    const left = [
      [SECOND, false],
      [THIRD, false],
    ];

    expect(await datesAt(0)).toEqual([
      [[FIRST, false], ...left],
      [FIRST, SECOND, THIRD, ...markers],
    ]);
    await rm(join(root, SHARE, FIRST), { recursive: true });
    expect(await datesAt(1)).toEqual([
      [[FIRST, true], ...left],
      [FIRST, SECOND, THIRD, ...markers],
    ]);
    await backUp(LATER, THIRD);
    expect(await datesAt(5)).toEqual([
      [...left, [LATER, false]],
      [SECOND, THIRD, LATER, ...markers],
    ]);
  });

  it('are a workload that is missing when the last of them is gone, and its copies stay', async () => {
    await backUp(FIRST, null);
    await backUp(FIRST, null, 'backups/shares/mail');
    const job = shareJob(ID);
    const target = new SimulatedRepository('offsite');
    const copyAt = async (day: number) => {
      const sessions = new LocalSessions([await opened('dated-tree'), target]);
      return sessions.tryToCopy(job, NOW_MS + day * DAY_MS);
    };
    expect((await copyAt(0)).result).toBe('success');
    await rm(join(root, SHARE, FIRST), { recursive: true });
    for (const day of [1, 60])
      expect((await copyAt(day)).tasks).toMatchObject([
        { result: 'failed', code: 'WORKLOAD_MISSING' },
      ]);
    const { points } = (await readTreeRecord(target, chainFolder(job.id, ID)))!;
    expect(points.map(({ source }) => source.restorePointId)).toEqual([FIRST]);
  });

  it('are none beside a name that is no date alone', async () => {
    await write('backups/shares/docs/web01-2026-11-22/disk.txt', 'x');
    expect((await scanRepository(await opened('dated-tree'))).map(({ id }) => id)).not.toContain(
      ID,
    );
  });
});
