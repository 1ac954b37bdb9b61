import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { parseProbackupControl } from '../../../../src/layout/postgres/probackup-control.js';
import { probackupLayout } from '../../../../src/layout/postgres/probackup.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { clusterFiles, segmentName } from '../../../support/layout/cluster-files.js';
import {
  PROBACKUP_IDS,
  probackupBackup as backup,
  probackupControl,
  probackupFiles,
  probackupLog as log,
} from '../../../support/layout/probackup-files.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const [FULL, DELTA, THIRD] = PROBACKUP_IDS;
type Files = Record<string, string | Buffer>;

async function pointsOf(files: Files) {
  const [tree, ...others] = await scanTreesWith(probackupLayout, (await treeOf(files)).repository);
  expect(others).toEqual([]);
  return new Map(tree?.points.map((point) => [point.id, point]));
}

/** Ids of workloads, and of what is named folder and tool. */
async function scanned(files: Files) {
  const named: UnrecognisedFiles[] = [];
  const found = await scanRepository((await treeOf(files)).repository, {
    onUnrecognised: (one) => named.push(one),
  });
  const unrecognised = named.map(({ folder, tool }) => [folder, tool]);
  return { ids: found.map(({ id }) => id), unrecognised };
}

describe('a catalogue of pg_probackup', () => {
  it('is a workload for each instance, and no base backup', async () => {
    const copy = await treeOf(probackupFiles());
    const found = await scanRepository(copy.repository);
    expect(found.map(({ id, type, name }) => [id, type, name])).toEqual([
      ['pg-probackup-node-pb', 'pg-probackup', 'node'],
    ]);
    const { id, folders, tree } = found[0]!;
    expect(await scanWorkload(copy.repository, id, folders)).toEqual(found[0]);
    expect(tree).toMatchObject({ root: 'pb', within: ['backups/node', 'wal/node'] });
    // Its log is dated by the time of its files.
    const points = Object.fromEntries(tree!.points.map((point) => [point.id, point]));
    expect(Object.keys(points)).toHaveLength(3);
    expect(points).toMatchObject({
      [FULL]: { kind: 'full', state: 'complete', createdAtMs: Date.UTC(2026, 10, 23, 21, 8, 30) },
      [DELTA]: { kind: 'increment', needs: [FULL], createdAtMs: Date.UTC(2026, 10, 24, 21, 8, 30) },
      [segmentName(9)]: { kind: 'log', state: 'complete', needs: [DELTA] },
    });
    expect(points[DELTA]!.state).toBe('complete');
  });

  it.each<[string, string, string]>([
    ['RUNNING', 'incomplete', 'it has not ended'],
    ['MERGING', 'incomplete', 'it has not ended'],
    ['ERROR', 'broken', 'it has failed'],
    ['CORRUPT', 'broken', 'files of it are damaged'],
    ['ORPHAN', 'broken', 'one that it builds on is damaged or gone'],
    ['DELETING', 'broken', 'it is being deleted'],
  ])('says of a backup that is %s', async (status, state, words) => {
    const points = await pointsOf({ ...backup(FULL, { status }), ...log(9, 10) });
    const reason = `pg_probackup says that it is ${status}: ${words}`;
    expect(points.get(FULL)).toMatchObject({ state, reason });
  });

  it('has what was not validated, and lacks what has no log, parent, list or control file', async () => {
    const { [`pb/backups/node/${THIRD}/backup_content.control`]: _, ...third } = backup(THIRD);
    const points = await pointsOf({
      ...backup(FULL, { status: 'DONE' }),
      ...backup(DELTA, { mode: 'PAGE', parent: 'T9AAAA' }),
      ...third,
      ...backup('T9OOOO', { segment: 20 }),
      'pb/backups/node/T9PPPP/database/PG_VERSION': '15\n',
      ...log(9, 10),
    });
    expect(points.get(FULL)!.state).toBe('complete');
    expect([DELTA, THIRD, 'T9OOOO', 'T9PPPP'].map((id) => points.get(id)!.reason)).toEqual([
      'it builds on T9AAAA, which is not there',
      'its backup.control says that it is OK, and backup_content.control is not there',
      `the archive does not hold its write-ahead log, ${segmentName(20)} to ${segmentName(21)}`,
      'it has no backup.control: it has not ended',
    ]);
  });

  it('has backups that were made with their log, whatever the archive holds', async () => {
    const files = backup(FULL, { isStream: true, segment: 20 });
    expect((await pointsOf({ ...files, ...log(9) })).get(FULL)!.state).toBe('complete');
    delete files[`pb/backups/node/${FULL}/database/pg_wal/${segmentName(21)}`];
    expect((await pointsOf({ ...files, ...log(9) })).get(FULL)).toMatchObject({
      ...{ state: 'broken', reason: expect.stringContaining(`${segmentName(21)} is not there`) },
    });
  });

  it('is copied data first, and what tells that a backup is done last', () => {
    const { rules } = probackupLayout;
    const at = `backups/node/${FULL}`;
    const order = [
      ...['backups/node/pg_probackup.conf', `wal/node/${segmentName(9)}.gz`],
      ...[`${at}/database/base/5/1259`, `${at}/backup_content.control`, `${at}/backup.control`],
    ].map((path) => classOf(rules, path));
    expect(new Set(order).size).toBe(5);
    expect(order).toEqual([...order].sort((a, b) => Number(a) - Number(b)));
    for (const path of ['page_header_map', 'external_directories/externaldir1/x'])
      expect(classOf(rules, `${at}/${path}`)).toBe(order[2]);
    expect(rules.ignored!.test(`${at}/backup.pid`)).toBe(true);
    expect(rules.ignored!.test(`${at}/database/notes.tmp`)).toBe(false);
  });

  it('leaves alone what lies beside its instances', async () => {
    const { ids } = await scanned({
      ...probackupFiles(),
      ...clusterFiles('pb/backups/2026-11-24'),
      [`pb/wal/other/${segmentName(3)}`]: Buffer.alloc(1024 * 1024, 4),
    });
    expect(ids.sort()).toEqual([
      ...['pg-base-pb:backups', 'pg-probackup-node-pb', 'postgres-wal-pb:wal:other'],
    ]);
  });
});

describe('what backs clusters up in a form of its own', () => {
  it('is named where its catalogue is not whole: an instance of pg_probackup alone', async () => {
    const alone = Object.fromEntries(
      Object.entries(probackupFiles()).flatMap(([path, bytes]) =>
        path.startsWith('pb/backups/') ? [[path.slice('pb/backups/'.length), bytes]] : [],
      ),
    );
    const { ids, unrecognised } = await scanned(alone);
    expect(ids).toEqual([]);
    expect(unrecognised).toContainEqual([`node/${FULL}`, 'pg_probackup']);
  });

  it('is named, and no base backup: pg_rman', async () => {
    const { backup_manifest: _, ...database } = clusterFiles('');
    const at = '20261124/210000';
    const { ids, unrecognised } = await scanned({
      'pg_rman.ini': "ARCLOG_PATH='/arc'\n",
      [`${at}/backup.ini`]: '# configuration\nBACKUP_MODE=FULL\n# result\nSTATUS=OK\n',
      [`${at}/file_database.txt`]: 'base/5/1259 F 8192\n',
      [`${at}/mkdirs.sh`]: '#!/bin/sh\n',
      ...Object.fromEntries(
        Object.entries(database).map(([path, bytes]) => [`${at}/database/${path}`, bytes]),
      ),
    });
    expect(ids).toEqual([]);
    expect(unrecognised).toContainEqual([at, 'pg_rman']);
  });
});

describe('what pg_probackup says of a backup', () => {
  it('is none where it was cut off, and has the times of any zone', () => {
    const text = probackupControl({ mode: 'DELTA', parent: FULL });
    expect(parseProbackupControl(text)).toMatchObject({ status: 'OK', parent: FULL });
    expect(parseProbackupControl(text.slice(0, text.indexOf('parent-backup-id')))).toBeNull();
    expect(parseProbackupControl(text.slice(0, text.indexOf('status')))).toBeNull();
    const zoned = text.replaceAll('+00', '+0530');
    expect(parseProbackupControl(zoned)!.endedAtMs).toBe(Date.UTC(2026, 10, 24, 15, 38, 30));
  });
});
