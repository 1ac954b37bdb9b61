import { utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { parseHanaName } from '../../../../src/layout/hana/hana-names.js';
import { hanaLayout } from '../../../../src/layout/hana/hana.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { HANA, HANA_IDS, hanaBackups, hanaFile } from '../../../support/layout/database-trees.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const [T0, T1, T2, T3] = HANA_IDS;
const { full: FULL, delta: DELTA, log: LOG } = HANA;

async function treesOf(files: Record<string, Buffer | string>) {
  return scanTreesWith(hanaLayout, (await treeOf(files)).repository);
}

describe('backups of SAP HANA', () => {
  it('in the folders that HANA makes are one database: data, delta, logs, each with the catalogue behind it', async () => {
    const [tree, ...others] = await treesOf(hanaBackups());
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      ...{ id: 'hana-DB_HDB-.', name: 'DB_HDB', root: '' },
      within: ['catalog/DB_HDB', 'data/DB_HDB', 'log/DB_HDB'],
    });
    const full = `${FULL}_databackup`;
    // 1,795,500,000 seconds after 1970
    const id = `${full}@2026-11-24T06:00:00`;
    expect(tree!.points.map(briefPoint)).toEqual([
      { id, kind: 'full', state: 'complete', needs: [] },
      { id: LOG(1024, 2048), kind: 'log', state: 'complete', needs: [id] },
      { id: DELTA, kind: 'increment', state: 'complete', needs: [id] },
      { id: LOG(2048, 4096, T2), kind: 'log', state: 'complete', needs: [LOG(1024, 2048)] },
    ]);
    expect(tree!.points[0]).toMatchObject({
      createdAtMs: Number(T0),
      files: [
        ...[`${full}_0_1`, `${full}_1_1`, `${full}_2_1`, `${full}_2_2`],
        `catalog/DB_HDB/log_backup_0_0_0_0.${T1}`,
      ],
    });
    expect(tree!.points[2]!.files).toContain(`catalog/DB_HDB/log_backup_0_0_0_0.${T3}`);
  });

  it.each([0, 1])(
    'of which a file of volume %i cannot be read are one unknown point, and hide no other',
    async (volume) => {
      const { repository } = await treeOf(hanaBackups());
      const { openRead } = repository;
      repository.openRead = (path) =>
        path.endsWith(`_databackup_${volume}_1`)
          ? Promise.reject(denied(path))
          : openRead.call(repository, path);
      const unseen: string[] = [];
      const [found, ...others] = await scanRepository(repository, {
        onUnseen: ({ path }) => unseen.push(path),
      });
      expect(others).toEqual([]);
      expect(unseen).toEqual([`${FULL}_databackup_${volume}_1`]);
      expect(found!.restorePoints.map(({ id, state }) => [id, state])).toEqual([
        [`${FULL}_databackup@2026-11-24T06:00:00`, 'unknown'],
        ...[LOG(1024, 2048), DELTA, LOG(2048, 4096, T2)].map((id) => [id, 'complete']),
      ]);
    },
  );

  it('that still ran when logs were backed up take the catalogue behind their last file, and wait for it', async () => {
    const at = (minutes: number) => Number(T0) + 60_000 * minutes;
    const full = (volume: number) => `data/DB_HDB/LONG_databackup_${volume}_1`;
    const catalogue = (minutes: number) => `catalog/DB_HDB/log_backup_0_0_0_0.${at(minutes)}`;
    const written: [string, number][] = [
      ...[[full(0), 1] as [string, number], [full(1), 200] as [string, number]],
      ...[15, 30].map((minutes): [string, number] => [catalogue(minutes), minutes]),
    ];
    const pointOf = async (files: readonly [string, number][]) => {
      const copy = await treeOf(
        Object.fromEntries(files.map(([name]) => [name, hanaFile(String(T0))])),
      );
      for (const [name, minutes] of files)
        await utimes(copy.at(name), new Date(at(minutes)), new Date(at(minutes)));
      const [tree] = await scanTreesWith(hanaLayout, copy.repository);
      return tree!.points.find(({ kind }) => kind === 'full')!;
    };
    expect(await pointOf(written)).toMatchObject({
      ...{ state: 'incomplete', reason: 'no backup catalogue was written after it' },
      evidence: { closing: 'awaited' },
    });
    const closed = await pointOf([...written, [catalogue(201), 201], [catalogue(215), 215]]);
    expect(closed.state).toBe('complete');
    expect(closed.files).toEqual([full(0), full(1), catalogue(201)]);
  });

  it.each<[string, string, string]>([
    ['its topology', `${FULL}_databackup_0_1`, 'its topology (volume 0) is not there'],
    ['a part', `${FULL}_databackup_2_1`, 'part 1 of volume 2 is not there'],
  ])('without %s are incomplete', async (_, gone, reason) => {
    const { [gone]: _gone, ...files } = hanaBackups();
    const [tree] = await treesOf(files);
    expect(tree!.points.find(({ kind }) => kind === 'full')).toMatchObject({
      state: 'incomplete',
      reason,
      evidence: { closing: 'awaited' },
    });
  });

  it('under a prefix without a date are another point when it was written over, under one with a date always the same', async () => {
    const idOf = async (prefix: string, id: string) => {
      const files = { x_databackup_0_1: hanaFile(T0), x_databackup_1_1: hanaFile(T0) };
      const named = Object.keys(files).map((name) => [
        `b/${name.replace('x', prefix)}`,
        hanaFile(id),
      ]);
      const [tree] = await treesOf(Object.fromEntries(named) as Record<string, Buffer>);
      return tree!.points.map((point) => point.id);
    };
    expect(await idOf('MONDAY', T0)).toEqual(['MONDAY_databackup@2026-11-24T06:00:00']);
    expect(await idOf('MONDAY', T1)).toEqual(['MONDAY_databackup@2026-11-24T08:46:40']);
    for (const prefix of ['2026_11_24_06_00_FULL', 'FULL-20261124', 'B1795500000'])
      for (const id of [T0, T1]) expect(await idOf(prefix, id)).toEqual([`${prefix}_databackup`]);
    const { isWrittenOnce } = hanaLayout.rules.classes.find(({ name }) => name === 'data')!;
    const names = [`${FULL}_databackup_1_1`, 'b/2026-11-24_databackup_1_1', `${DELTA}_1_1`];
    expect(names.map((name) => isWrittenOnce!(name))).toEqual([false, true, true]);
  });

  it('of which a part was left by the one before them under their prefix are incomplete', async () => {
    const files = { ...hanaBackups(), [`${FULL}_databackup_2_1`]: hanaFile(HANA_IDS[3]) };
    const [tree] = await treesOf(files);
    expect(tree!.points.find(({ kind }) => kind === 'full')).toMatchObject({
      state: 'incomplete',
      reason: `${FULL}_databackup_2_1 is of another backup than its topology`,
    });
  });

  it('lack a volume that the full before them has', async () => {
    const [tree] = await treesOf({
      ...hanaBackups(),
      'data/DB_HDB/NEXT_databackup_0_1': hanaFile(T3),
      'data/DB_HDB/NEXT_databackup_1_1': hanaFile(T3),
    });
    expect(tree!.points.find(({ id }) => id.includes('NEXT'))).toMatchObject({
      state: 'incomplete',
      reason: 'volume 2, which the full backup before it has, is not there',
    });
  });

  describe('of several databases in one folder', () => {
    const full = (prefix: string, id: string, pages: number, ...volumes: number[]) =>
      Object.fromEntries([
        [`b/${prefix}_databackup_0_1`, hanaFile(id)],
        ...volumes.map((volume) => [`b/${prefix}_databackup_${volume}_1`, hanaFile(id, pages)]),
      ]) as Record<string, Buffer>;
    const pointsOf = async (files: Record<string, Buffer>) => {
      const [tree, ...others] = await treesOf(files);
      expect(others).toEqual([]);
      return tree!.points.map(({ id, state, reason }) => [id.split('_data')[0], reason ?? state]);
    };
    const complete = (...prefixes: string[]) => prefixes.map((prefix) => [prefix, 'complete']);

    it.each<[string, Record<string, Buffer>, string[]]>([
      [
        // As SAP's own examples name them.
        'of the system and of a tenant',
        { ...full('foo-RH1', T0, 40, 2, 3), ...full('foo', T1, 10, 1) },
        ['foo-RH1', 'foo'],
      ],
      [
        'of the system and of a tenant with dates alone',
        { ...full('20261123', T0, 40, 2, 3), ...full('20261124', T1, 10, 1) },
        ['20261123', '20261124'],
      ],
      [
        'of two tenants with the same volumes',
        { ...full('RH1_20261124_06', T0, 40, 2, 3), ...full('RH2_20261124_06', T1, 10, 2) },
        ['RH1_20261124_06', 'RH2_20261124_06'],
      ],
    ])('are whole beside each other: fulls %s', async (_, files, prefixes) => {
      expect(await pointsOf(files)).toEqual(complete(...prefixes));
    });

    it.each([
      ['RH1_2026-11-23_06_00', 'RH1_2026-11-24_06_00'],
      ['RH1_MONDAY', 'RH1_TUESDAY'],
      ['Mon', 'tue'],
      ['20261123', '20261124'],
      ['RH1-B1795400000', 'RH1-B1795500000'],
      ['FULL_23112026', 'FULL_24112026'],
      ['FULL_23112026_06_15', 'FULL_24112026_07_16'],
      ['RH1_23-11-2026_0600', 'RH1_24-11-2026_0715'],
      ['RH1_11.23.2026', 'RH1_11.24.2026'],
      ['RH1_261123', 'RH1_261124'],
      ['RH1_23NOV2026', 'RH1_24NOV2026'],
      ['RH1_2026-11-23-2015', 'RH1_2026-11-24-2016'],
      ['RH1_000099', 'RH1_000100'],
    ])('are compared with the full before them of their own series: %s, %s', async (one, next) => {
      const other = full('OTHER', T2, 1, 2);
      const small = await pointsOf({
        ...full(one, T0, 40, 2, 3),
        ...full(next, T1, 10, 2, 3),
        ...other,
      });
      expect(small[1]).toEqual([
        next,
        'it has less than half the bytes of the full backup before it: it may have died',
      ]);
      const lacking = await pointsOf({
        ...full(one, T0, 40, 2, 3),
        ...full(next, T1, 40, 2),
        ...other,
      });
      expect(lacking).toEqual([
        [one, 'complete'],
        [next, 'volume 3, which the full backup before it has, is not there'],
        ...complete('OTHER'),
      ]);
    });

    it('have logs that need the newest full with their volume', async () => {
      const [tree] = await treesOf({
        ...full('foo-RH1', T0, 10, 2, 3),
        ...full('foo', T1, 10, 1),
        [`b/log_backup_2_0_1024_2048.${T2}`]: hanaFile(T2),
        [`b/log_backup_1_0_1024_2048.${T2}`]: hanaFile(T2),
      });
      const logs = tree!.points.filter(({ kind }) => kind === 'log');
      expect(logs.map(({ id, needs }) => [id, needs[0]!.split('_data')[0]])).toEqual([
        [`log_backup_1_0_1024_2048.${T2}`, 'foo'],
        [`log_backup_2_0_1024_2048.${T2}`, 'foo-RH1'],
      ]);
    });
  });

  it('say of a log that no full of its database lies before it', async () => {
    const [tree] = await treesOf({
      'b/SYSTEM_databackup_0_1': hanaFile(T0),
      'b/SYSTEM_databackup_1_1': hanaFile(T0),
      [`b/log_backup_2_0_1024_2048.${T1}`]: hanaFile(T1),
    });
    expect(tree!.points.at(-1)).toMatchObject({
      ...{ kind: 'log', needs: [], gap: 'no full backup of the database lies before it' },
    });
  });

  it('of two databases that began at one instant have deltas that need the one with their volumes', async () => {
    const delta = (prefix: string) => `${prefix}_databackup_incremental_${T0}_${T1}`;
    const [tree] = await treesOf({
      ...{ 'b/A_databackup_0_1': hanaFile(T0), 'b/A_databackup_1_1': hanaFile(T0) },
      ...{ 'b/B_databackup_0_1': hanaFile(T0), 'b/B_databackup_2_1': hanaFile(T0) },
      ...{ [`b/${delta('A')}_1_1`]: hanaFile(T1), [`b/${delta('B')}_2_1`]: hanaFile(T1) },
      'b/log_backup_0_0_0_0': hanaFile(T1),
    });
    const deltas = tree!.points.filter(({ kind }) => kind === 'increment');
    expect(
      deltas.map(({ id, needs }) => `${id[0]!} ${needs.map((need) => need[0]).join()}`),
    ).toEqual([...['A A', 'B B']]);
  });

  describe('with less than half the bytes of the full before them', () => {
    const MAY_HAVE_DIED =
      'it has less than half the bytes of the full backup before it: it may have died';
    const full = (name: string, id: string, pages: number) => ({
      [`data/DB_HDB/${name}_databackup_0_1`]: hanaFile(id),
      [`data/DB_HDB/${name}_databackup_1_1`]: hanaFile(id, pages),
      [`catalog/DB_HDB/log_backup_0_0_0_0.${Number(id) + 1}`]: hanaFile(id),
    });
    const statesOf = async (files: Record<string, Buffer>) => {
      const [tree] = await treesOf(files);
      return tree!.points.map(({ state, reason }) => reason ?? state);
    };
    const two = (pages: number) => ({ ...full('A', T0, 20), ...full('B', T1, pages) });

    it('may have died, also when a later one is no larger: a full disk ends both at one size', async () => {
      expect(await statesOf(two(10))).toEqual(['complete', 'complete']);
      expect(await statesOf(two(9))).toEqual(['complete', MAY_HAVE_DIED]);
      expect(await statesOf({ ...two(9), ...full('C', T2, 20) })).toEqual([
        ...['complete', MAY_HAVE_DIED, 'complete'],
      ]);
      const alike = await statesOf({ ...two(9), ...full('C', T2, 10) });
      expect(alike).toEqual(['complete', MAY_HAVE_DIED, 'complete']);
    });

    it('are held against the last one that is whole, and not against another that may have died', async () => {
      const both = ['complete', MAY_HAVE_DIED, MAY_HAVE_DIED];
      expect(await statesOf({ ...two(9), ...full('C', T2, 9) })).toEqual(both);
    });

    it('are whole five weeks after the first of them, however old the larger one is', async () => {
      const later = (days: number) => String(Number(T0) + days * 24 * 60 * 60_000);
      const monthly = { ...full('A', T0, 20), ...full('B', later(40), 9) };
      expect(await statesOf(monthly)).toEqual(['complete', MAY_HAVE_DIED]);
      const files = { ...monthly, ...full('C', later(74), 9), ...full('D', later(75), 9) };
      expect(await statesOf(files)).toEqual([
        ...['complete', MAY_HAVE_DIED, MAY_HAVE_DIED, 'complete'],
      ]);
    });

    it('are whole when a delta is built on them', async () => {
      const delta = (from: string) => ({
        [`data/DB_HDB/D_databackup_differential_${from}_${T2}_1_1`]: hanaFile(T2),
        [`catalog/DB_HDB/log_backup_0_0_0_0.${Number(T2) + 1}`]: hanaFile(T2),
      });
      const states = await statesOf({ ...two(9), ...delta(T1) });
      expect(states).toEqual(['complete', 'complete', 'complete']);
      const onTheFirst = await statesOf({ ...two(9), ...delta(T0) });
      expect(onTheFirst).toEqual(['complete', MAY_HAVE_DIED, 'complete']);
    });
  });

  it('of logs need the oldest full since it began, unless a clock may have been turned back', async () => {
    const earlier = String(Number(T0) - 60 * 60_000);
    const copy = await treeOf({ ...hanaBackups(), [LOG(512, 1024, earlier)]: hanaFile(earlier) });
    const needsOf = async () => {
      const [tree] = await scanTreesWith(hanaLayout, copy.repository);
      return tree!.points.find(({ id }) => id === LOG(1024, 2048))!.needs;
    };
    const written = async (ms: number) => {
      await utimes(copy.at(LOG(512, 1024, earlier)), new Date(ms), new Date(ms));
      return needsOf();
    };
    expect(await written(Number(earlier) + 1000)).toEqual([
      `${FULL}_databackup@2026-11-24T06:00:00`,
    ]);
    expect(await written(Number(T0) + 60_000)).toEqual([LOG(512, 1024, earlier)]);
  });

  it('of logs need no full that was made behind them, when their clock was ahead', async () => {
    const ahead = String(Number(T3) + 300 * 60 * 60_000);
    const files = [LOG(512, 768, ahead), LOG(768, 1024, ahead)];
    const copy = await treeOf({
      ...hanaBackups(),
      ...Object.fromEntries(files.map((path) => [path, hanaFile(ahead)])),
    });
    const firstOf = async (writtenMs: number) => {
      const at = new Date(writtenMs);
      for (const path of files) await utimes(copy.at(path), at, at);
      const [tree] = await scanTreesWith(hanaLayout, copy.repository);
      const [first] = tree!.points.filter(({ id }) => id === files[0]);
      return first!;
    };
    const told = { needs: [], gap: expect.stringContaining('a clock that was wrong') as string };
    expect(await firstOf(Number(T0) - 60 * 60_000)).toMatchObject(told);
    const full = { needs: [`${FULL}_databackup@2026-11-24T06:00:00`] };
    expect(await firstOf(Number(ahead))).toMatchObject(full);
    // Nor is the full where the first of a clock that was put ahead begins anew.
    const before = LOG(256, 512, String(Number(T0) - 61 * 60 * 60_000));
    await writeFile(copy.at(before), hanaFile(T0));
    const beforeAt = new Date(Number(T0) - 61 * 60 * 60_000);
    await utimes(copy.at(before), beforeAt, beforeAt);
    expect(await firstOf(Number(T0) - 60 * 60_000)).toMatchObject({ needs: [before] });
  });

  it('name the log that is missing, and a log that is cut off', async () => {
    const { [LOG(1024, 2048)]: _gone, ...files } = hanaBackups();
    const [tree] = await treesOf({
      ...files,
      [LOG(8192, 9216, T3)]: hanaFile(T3).subarray(0, 5000),
    });
    const last = tree!.points.find(({ id }) => id === LOG(8192, 9216, T3));
    expect(last).toMatchObject({
      state: 'incomplete',
      reason: `${LOG(8192, 9216, T3)} has 5000 bytes, no whole number of pages`,
      gap: 'the log of volume 2 from 4096 to 8192 is missing',
    });
  });

  it('name the backup that a delta builds on when it is not there', async () => {
    const files = Object.fromEntries(
      Object.entries(hanaBackups()).filter(([path]) => !path.startsWith(`${FULL}_`)),
    );
    const [tree] = await treesOf(files);
    expect(tree!.points.find(({ id }) => id === DELTA)!.gap).toBe(
      `the backup that it builds on (id ${T0}) is not here`,
    );
  });

  it('are under a delta the full with its volumes, where heads tell no ids', async () => {
    const delta = `b/D_databackup_incremental_${T0}_${T3}`;
    const fulls = ['RH1_databackup_0_1', 'RH1_databackup_2_1', 'SYS_databackup_0_1'];
    const names = [...fulls, 'SYS_databackup_1_1'].map((name) => `b/${name}`);
    const copy = await treeOf({
      ...Object.fromEntries(names.map((name) => [name, 'x'.repeat(8192)])),
      ...{ [`${delta}_0_1`]: hanaFile(T3), [`${delta}_2_1`]: hanaFile(T3) },
    });
    for (const [index, name] of names.entries()) {
      const at = new Date(Number(T0) + 60_000 * index);
      await utimes(copy.at(name), at, at);
    }
    const [tree] = await scanTreesWith(hanaLayout, copy.repository);
    const point = tree!.points.find(({ kind }) => kind === 'increment')!;
    expect(point.needs.map((id) => id.split('@')[0])).toEqual(['RH1_databackup']);
  });

  it('in a folder of their own are one database, and files of others are not theirs', async () => {
    const [tree] = await treesOf({
      [`b/SYSTEMDB/x_databackup_0_1`]: hanaFile(T0),
      [`b/SYSTEMDB/x_databackup_1_1`]: hanaFile(T0),
      'b/SYSTEMDB/notes.txt': 'x',
    });
    expect(tree).toMatchObject({ id: 'hana-b:SYSTEMDB', name: 'SYSTEMDB', root: 'b/SYSTEMDB' });
    expect(tree!.within).toEqual(['x_databackup_0_1', 'x_databackup_1_1']);
  });

  it('are not what folders named data and log hold of others', async () => {
    expect(await treesOf({ 'data/vm.qcow2': 'x', 'log/x.log': 'x' })).toEqual([]);
  });

  it('copy the catalogue last', () => {
    const { rules } = hanaLayout;
    const paths = [`${FULL}_databackup_0_1`, LOG(1, 2), `log_backup_0_0_0_0.${T1}`];
    expect(paths.map((path) => rules.classes[classOf(rules, path)!]!.name)).toEqual([
      'data',
      'logs',
      'catalogue',
    ]);
  });

  it.each(['log_backup_2_0_1.x', 'x_databackup_1', 'databackup_0_1', '_databackup_a_1'])(
    'are not called %s',
    (name) => {
      expect(parseHanaName(name)).toBeNull();
    },
  );
});
