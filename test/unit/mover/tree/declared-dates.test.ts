import { execFile, spawnSync } from 'node:child_process';
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
import { testJob } from '../../../support/session/test-site.js';
import { DAY_MS, filesBelow, START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const ID = 'dated-tree-shares:docs';
const JOB = testJob({
  ...{ kind: 'fileBackup', restorePoints: 'all', compact: null },
  retention: { type: 'days', value: 30 },
});
const [FIRST, SECOND] = ['2026-11-22', '2026-11-23'];
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
async function backUp(date: string, before: string | null): Promise<void> {
  const [from, to] = [join(root, 'live'), join(root, 'backups/shares/docs', date)];
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

describe(
  'folders of dates in a repository declared to hold copies of shares',
  { timeout: 60_000 },
  () => {
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
        START_MS + 30 * DAY_MS,
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
      const inodeOf = async (path: string) =>
        (await target.stat(`${tree}/files/${path}`))!.stamp.inode;
      const sourceInodeOf = async (path: string) =>
        (await stat(join(root, 'backups/shares/docs', path))).ino;
      for (const path of ['plans/house.txt', 'report.txt']) {
        const isOne =
          (await sourceInodeOf(`${FIRST}/${path}`)) === (await sourceInodeOf(`${SECOND}/${path}`));
        expect(isOne).toBe(path === 'plans/house.txt');
        expect((await inodeOf(`${FIRST}/${path}`)) === (await inodeOf(`${SECOND}/${path}`))).toBe(
          isOne,
        );
      }
    });

    it('are none beside a name that is no date alone', async () => {
      await write('backups/shares/docs/web01-2026-11-22/disk.txt', 'x');
      expect((await scanRepository(await opened('dated-tree'))).map(({ id }) => id)).not.toContain(
        ID,
      );
    });
  },
);
