import { appendFile, mkdir, symlink, utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { BARMAN_IDS, barmanFiles, SHARD } from '../../../support/layout/barman-files.js';
import { segmentName } from '../../../support/layout/cluster-files.js';
import { PROBACKUP_IDS, probackupFiles } from '../../../support/layout/probackup-files.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { walgBackup, walgLog } from '../../../support/layout/walg-files.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { filesBelow, START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const JOB = testJob({
  ...{ mode: 'immediate', transactionLogs: true, compact: null },
  retention: { type: 'days', value: 14 },
});
const HOUR_S = 3600;

/** A session at `START_MS`.
 *  @param ageS how long ago a file was written, in seconds; undefined: an hour */
async function copied(
  workload: string,
  files: Record<string, string | Uint8Array>,
  ageS: (path: string) => number | undefined,
  change: (at: (path: string) => string, repository: BackupRepository) => Promise<void> = () =>
    Promise.resolve(),
) {
  const source = await treeOf(files);
  await change(source.at, source.repository);
  for (const path of Object.keys(files)) {
    const atS = START_MS / 1000 - (ageS(path) ?? HOUR_S);
    await utimes(source.at(path), atS, atS);
  }
  const target = new SimulatedRepository('offsite');
  const sessions = new LocalSessions([source.repository, target]);
  const { result, tasks } = await sessions.tryToCopy(JOB, START_MS);
  const tree = chainFolder(JOB.id, workload);
  const { points } = (await readTreeRecord(target, tree))!;
  return {
    ...{ result, reason: tasks[0]!.reason ?? '' },
    files: await filesBelow(target, `${tree}/files`),
    points: new Map(points.map((point) => [point.source.restorePointId, point])),
  };
}

/** One each 40 seconds until a second ago. */
const inTurn = (newest: number, number: number) => 1 + 40 * (newest - number);
const numberIn = (path: string) => Number.parseInt(path.slice(-8), 16);

describe('where a database archives each minute', () => {
  it('backups and log of Barman are copied with the list of its log', async () => {
    const { result, points, files } = await copied('barman-main', barmanFiles(), (path) => {
      if (path.startsWith(`main/${SHARD}/`)) return inTurn(13, numberIn(path));
      return path === 'main/wals/xlog.db' ? 1 : undefined;
    });
    expect(result).toBe('success');
    expect(new Set(points.keys())).toEqual(new Set([...BARMAN_IDS, segmentName(9)]));
    expect(points.get(segmentName(9))).toMatchObject({
      createdAt: new Date(START_MS - 1000).toISOString(),
    });
    expect(files.has('wals/xlog.db')).toBe(true);
  });

  it('the list of the log of Barman is copied as it was seen, although it grows each time before it is read', async () => {
    const path = 'main/wals/xlog.db';
    const line = `${segmentName(13)}\t1024\t1732568400.0\tNone\n`;
    const { result, points, files } = await copied(
      'barman-main',
      { ...barmanFiles(), [path]: line },
      () => undefined,
      (at, repository) => {
        const openRead = repository.openRead.bind(repository);
        repository.openRead = async (opened) => {
          if (opened === path) await appendFile(at(path), line);
          return openRead(opened);
        };
        return Promise.resolve();
      },
    );
    expect(result).toBe('success');
    expect(new Set(points.keys())).toEqual(new Set([...BARMAN_IDS, segmentName(9)]));
    expect(files.get('wals/xlog.db')!.toString()).toBe(line);
  });

  it('backups of pg_probackup are copied with all that the tool reads, one whose files arrive waits', async () => {
    const files = probackupFiles();
    const [full, delta] = PROBACKUP_IDS;
    const inTree = (path: string) => path.slice('pb/'.length);
    const all = await copied('pg-probackup-node-pb', files, (path) =>
      path.startsWith('pb/wal/node/') ? inTurn(14, numberIn(path)) : undefined,
    );
    expect(all.result).toBe('success');
    expect(new Set(all.points.keys())).toEqual(new Set([full, delta, segmentName(9)]));
    expect(new Set(all.files.keys())).toEqual(new Set(Object.keys(files).map(inTree)));
    const { points, reason } = await copied('pg-probackup-node-pb', files, (path) =>
      path.endsWith(`${full}/database/base/5/1259`) ? 10 : undefined,
    );
    expect(points.has(full) || points.has(delta)).toBe(false);
    expect(reason).toContain(`${full} is not in the copy`);
  });

  it('backups of WAL-G are copied, and the log that is closed', async () => {
    const full = `base_${segmentName(2)}`;
    const files = { ...walgBackup(full, 2), ...walgLog(2, 3, 4, 5, 6) };
    const { result, points } = await copied('wal-g-pg', files, (path) => {
      if (path.startsWith('pg/wal_005/')) return inTurn(6, numberIn(path.replace('.lz4', '')));
      return path.endsWith('sentinel.json') ? 100 : undefined;
    });
    expect(result).toBe('success');
    expect(new Set(points.keys())).toEqual(new Set([full, segmentName(2)]));
    expect(points.get(segmentName(2))).toMatchObject({
      createdAt: new Date(START_MS - inTurn(6, 4) * 1000).toISOString(),
    });
  });
});

it('a backup of WAL-G whose own files were written to a moment ago waits alone, with the deltas of it', async () => {
  const [full, next] = [`base_${segmentName(2)}`, `base_${segmentName(5)}`];
  const delta = `base_${segmentName(8)}_D_${segmentName(5)}`;
  const files = {
    ...walgBackup(full, 2),
    ...walgBackup(next, 5),
    ...walgBackup(delta, 8, { DeltaFrom: next }),
    ...walgLog(2, 3, 4, 5, 6, 7, 8, 9),
  };
  const { points, reason } = await copied('wal-g-pg', files, (path) =>
    path.includes(`/${next}/`) && path.includes('part_001') ? 10 : undefined,
  );
  expect(new Set(points.keys())).toEqual(new Set([full, segmentName(2)]));
  expect(reason).toContain(`${next} is not in the copy: 1 file of the store was written to`);
  expect(points.get(segmentName(2))!.gap).toContain(delta);
});

it('a delta of WAL-G waits for the files of its base, from which alone nothing is restored', async () => {
  const full = `base_${segmentName(2)}`;
  const delta = `base_${segmentName(5)}_D_${segmentName(2)}`;
  const files = {
    ...walgBackup(full, 2),
    ...walgBackup(delta, 5, { DeltaFrom: full }),
    ...walgLog(5, 6),
  };
  const { points, reason } = await copied('wal-g-pg', files, (path) =>
    path.includes(`/${full}/`) && path.includes('part_001') ? 10 : undefined,
  );
  expect(new Set(points.keys())).toEqual(new Set([segmentName(5)]));
  expect(reason).toContain(`${delta} is not in the copy: it needs ${full}, which is not there`);
});

it('links from a cluster of Barman to its tablespaces keep nothing from being copied', async () => {
  const [first] = BARMAN_IDS;
  const { result, points } = await copied(
    'barman-main',
    { ...barmanFiles(), [`main/base/${first}/16385/PG_15_202209061/5/1`]: 'x' },
    () => undefined,
    async (at) => {
      await mkdir(at(`main/base/${first}/data/pg_tblspc`));
      await symlink('../../16385', at(`main/base/${first}/data/pg_tblspc/16385`));
    },
  );
  expect(result).toBe('success');
  expect(points.has(first)).toBe(true);
});
