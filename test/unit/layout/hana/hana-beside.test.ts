import { describe, expect, it, vi } from 'vitest';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { hanaLayout } from '../../../../src/layout/hana/hana.js';
import { HANA_IDS, hanaBackups, hanaFile } from '../../../support/layout/database-trees.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { withUnread } from '../../../support/layout/unread-folder.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const [T0, T1] = HANA_IDS;

async function treesOf(files: Record<string, Buffer>) {
  return scanTreesWith(hanaLayout, (await treeOf(files)).repository);
}

describe('backups of SAP HANA in the folders that it makes', () => {
  it('are the same with files of another one beside them', async () => {
    const alone = await treesOf(hanaBackups());
    const lone = { OTHER_databackup_0_1: hanaFile(T0), OTHER_databackup_1_1: hanaFile(T0) };
    const trees = await treesOf({ ...hanaBackups(), ...lone });
    expect(trees.map(({ id }) => id)).toEqual(['hana-.', 'hana-DB_HDB-.']);
    expect(trees[1]).toMatchObject({
      points: alone[0]!.points.map(briefPoint),
      otherIds: ['catalog', 'data', 'log'].map((area) => `hana-${area}:DB_HDB`),
    });
  });
});

/** A full of some volumes under a prefix. */
const fullOf = (prefix: string, ...volumes: number[]) =>
  Object.fromEntries(
    [0, ...volumes].map((volume) => [`${prefix}_databackup_${volume}_1`, hanaFile(T0)]),
  );
/** Log, and the catalogue behind it, of a database. */
const logOf = (database: string, volume: number) => ({
  [`log/${database}/log_backup_${volume}_0_1024_2048.${T1}`]: hanaFile(T1),
  [`log/${database}/log_backup_0_0_0_0.${T1}`]: hanaFile(T1),
});
const briefly = (trees: Awaited<ReturnType<typeof treesOf>>) =>
  trees.map(({ id, points }) => [id, ...points.map(({ kind, needs }) => [kind, needs.length])]);

describe('backups of SAP HANA under a prefix with a path, beside the folders that it makes', () => {
  it('are of the one database that has such', async () => {
    const trees = await treesOf({ ...logOf('DB_HDB', 2), ...fullOf('data/HDB', 1, 2, 3) });
    expect(briefly(trees)).toEqual([['hana-DB_HDB-.', ['full', 0], ['log', 1]]]);
    expect(trees[0]).toMatchObject({
      otherIds: ['hana-data'],
      points: [{ state: 'complete' }, { state: 'complete' }],
    });
    expect(trees[0]!.points[0]!.files).toContain(`log/DB_HDB/log_backup_0_0_0_0.${T1}`);
    expect(trees[0]!.within).toContain('data/HDB_databackup_0_1');
  });

  it('are so in folders of dates', async () => {
    const trees = await treesOf({ ...logOf('DB_HDB', 2), ...fullOf('data/2026-11-24/HDB', 2) });
    expect(briefly(trees)).toEqual([['hana-DB_HDB-.', ['full', 0], ['log', 1]]]);
    expect(trees[0]!.otherIds).toEqual(['hana-data:<date>', 'hana-data:2026-11-24', 'hana-data']);
  });

  it('are of the system database or of the one tenant, by their volumes', async () => {
    const logs = { ...logOf('SYSTEMDB', 1), ...logOf('DB_HDB', 2) };
    const trees = await treesOf({ ...logs, ...fullOf('data/SYS', 1), ...fullOf('data/T', 2, 3) });
    expect(briefly(trees)).toEqual([
      ['hana-DB_HDB-.', ['full', 0], ['log', 1]],
      ['hana-SYSTEMDB-.', ['full', 0], ['log', 1]],
    ]);
    expect(trees.map(({ points }) => points[0]!.id.split('_', 1)[0])).toEqual([
      ...['data/T', 'data/SYS'],
    ]);
  });

  it('are copied for themselves where they may be of several, or of one that has none', async () => {
    const tenants = { ...logOf('DB_A', 2), ...logOf('DB_B', 2), ...fullOf('data/T', 2) };
    const trees = await treesOf(tenants);
    expect(briefly(trees)).toEqual([
      ['hana-DB_A-.', ['log', 0]],
      ['hana-DB_B-.', ['log', 0]],
      ['hana-beside-data-.', ['full', 0]],
    ]);
    expect(trees[2]).toMatchObject({ otherIds: ['hana-data'], name: 'SAP HANA (data)' });
    const { repository } = await treeOf(tenants);
    for (const one of await scanRepository(repository))
      expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    const ofSystem = await treesOf({ ...logOf('DB_A', 2), ...fullOf('data/SYS', 1) });
    expect(ofSystem.map(({ id }) => id)).toEqual(['hana-DB_A-.', 'hana-beside-data-.']);
  });
});

describe('backups of SAP HANA in folders of dates', () => {
  const [, , T2] = HANA_IDS;
  const ofDay = (day: string, id: string, volumes: readonly number[] = [1, 2]) =>
    Object.fromEntries(
      [0, ...volumes].map((volume) => [
        `hana/${day}/COMPLETE_DATA_BACKUP_databackup_${volume}_1`,
        hanaFile(id),
      ]),
    );

  it('are of one database, with the deltas and the logs of other days, and find their copies', async () => {
    const delta = (volume: number) =>
      `hana/2026-11-02/D_databackup_incremental_${T0}_${T1}_${volume}_1`;
    const { repository } = await treeOf({
      ...ofDay('2026-11-01', T0),
      ...{ [delta(1)]: hanaFile(T1), [delta(2)]: hanaFile(T1) },
      [`hana/2026-11-02/log_backup_2_0_1024_2048.${T1}`]: hanaFile(T1),
      ...ofDay('2026-11-03', T2),
      'hana/2026-11-03/web01.img': 'x'.repeat(512),
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id }) => id)).toEqual(['hana-hana', 'raw-hana:2026-11-03:web01.img']);
    for (const one of found)
      expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    const [hana] = found;
    expect(hana!.otherIds).toEqual(
      ['<date>', '2026-11-01', '2026-11-02', '2026-11-03'].map((day) => `hana-hana:${day}`),
    );
    const full = expect.stringMatching(/^2026-11-01\/COMPLETE/);
    expect(hana!.tree!.points.map(({ kind, state, needs }) => [kind, state, needs])).toEqual([
      ['full', 'complete', []],
      ['increment', 'complete', [full]],
      ['log', 'complete', [full]],
      ['full', 'complete', []],
    ]);
  });

  it('are not scanned without a date that cannot be read just now', async () => {
    const { repository } = await treeOf({
      ...ofDay('2026-11-01', T0),
      ...ofDay('2026-11-02', T1),
      ...ofDay('2026-11-03', T2),
    });
    const onUnseen = vi.fn();
    await withUnread(repository, 'hana/2026-11-02', async () => {
      const found = await scanRepository(repository, { onUnseen, onUnrecognised() {} });
      expect(found.map(({ id }) => id)).toEqual([]);
      await expect(scanWorkload(repository, 'hana-hana', ['hana'])).rejects.toThrow('I/O error');
    });
    expect(JSON.stringify(onUnseen.mock.calls)).toContain('hana/2026-11-02');
    expect((await scanRepository(repository))[0]!.tree!.points).toHaveLength(3);
  });

  it('tell a full that lacks a volume which that of the day before has', async () => {
    const trees = await treesOf({ ...ofDay('2026-11-01', T0), ...ofDay('2026-11-03', T2, [1]) });
    expect(trees[0]!.points.map(({ state, reason }) => [state, reason])).toEqual([
      ['complete', null],
      ['incomplete', 'volume 2, which the full backup before it has, is not there'],
    ]);
  });

  it('are of as many as the folders have names without their dates', async () => {
    const trees = await treesOf({ ...ofDay('qa-2026-11-01', T0), ...ofDay('prod-2026-11-01', T0) });
    expect(trees.map(({ id, name, otherIds }) => [id, name, otherIds])).toEqual(
      ['prod', 'qa'].map((name) => [
        ...[`hana-dated-${name}-hana`, name],
        [`hana-hana:${name}-<date>`, `hana-hana:${name}-2026-11-01`],
      ]),
    );
  });
});
