import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { shown, treeOf } from '../../../support/layout/tree.js';
import { unreadable } from '../../../support/tree/storage-answers.js';

/** An empty archive: two blocks of zeros. */
const TAR = Buffer.alloc(1_024);
const PACKED = gzipSync(TAR);

function manifest(...paths: string[]): string {
  const files = paths.map((path) => `{ "Path": "${path}", "Size": 1 }`).join(',\n');
  return `{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n${files}\n],\n"Manifest-Checksum": "${'9f'.repeat(32)}"}\n`;
}

/** More than is read at once. */
const MANY_FILES = Array.from({ length: 40_000 }, (_, at) => `base/16384/${at}`);

async function stateOf(files: Readonly<Record<string, string | Buffer>>) {
  const { repository } = await treeOf(files);
  const [found] = await scanRepository(repository);
  return found?.restorePoints.flatMap(({ state, reason }) => [state, reason]);
}

describe('backups of pg_basebackup', () => {
  it('are one restore point of a database, with its manifest, and no archives of others', async () => {
    const { repository } = await treeOf({
      ...{ 'pg/2026-11-23/base.tar.gz': PACKED, 'pg/2026-11-23/pg_wal.tar.gz': PACKED },
      ...{ 'pg/2026-11-23/16384.tar.gz': PACKED, 'pg/2026-11-23/backup_manifest': manifest('a') },
      ...{ 'pg/2026-11-24/base.tar': TAR, 'pg/2026-11-24/pg_wal.tar': TAR },
      ...{
        'pg/2026-11-24/other.tar.gz': PACKED,
        'img/base.tar.gz': PACKED,
        'img/1.tar.gz': PACKED,
      },
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const found = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      shown(found).map(({ id, type, points }) => [
        id,
        type,
        ...points.map(([day, , ...more]) => [day, ...more]),
      ]),
    ).toEqual([
      ['gcp-img:1.tar.gz', 'google-cloud', ['undated', 'complete', 'image gzip img/1.tar.gz']],
      [
        'gcp-img:base.tar.gz',
        'google-cloud',
        ['undated', 'complete', 'image gzip img/base.tar.gz'],
      ],
      [
        'gcp-pg:other.tar.gz',
        'google-cloud',
        ['2026-11-24', 'complete', 'image gzip pg/2026-11-24/other.tar.gz'],
      ],
      [
        ...['postgresql-base-pg', 'postgresql-base'],
        [
          ...['2026-11-23', 'complete', '16384 gzip pg/2026-11-23/16384.tar.gz'],
          ...['base gzip pg/2026-11-23/base.tar.gz', 'pg_wal gzip pg/2026-11-23/pg_wal.tar.gz'],
          'backup_manifest = pg/2026-11-23/backup_manifest',
        ],
        [
          ...['2026-11-24', 'complete', 'base tar pg/2026-11-24/base.tar'],
          'pg_wal tar pg/2026-11-24/pg_wal.tar',
        ],
      ],
    ]);
    expect(unrecognised).toEqual([]);
  });

  it.each([
    ['base.tar', (tar: Buffer) => tar],
    ['base.tar.gz', (tar: Buffer) => gzipSync(tar)],
  ])('with nothing beside %s are told by the label in it', async (name, pack) => {
    const tar = Buffer.alloc(2048);
    tar.write('backup_label', 0);
    const bytes = pack(Buffer.concat([tar, TAR]));
    const { repository } = await treeOf({ [`pg/2026-11-24/${name}`]: bytes });
    const [found, ...others] = await scanRepository(repository);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      ...{ id: 'postgresql-base-pg', type: 'postgresql-base' },
      restorePoints: [{ id: '2026-11-24', state: 'complete' }],
    });
    expect(found!.otherIds).toContain(`gcp-pg:${name}`);
    // One error changes no name.
    repository.openRead = (path) => Promise.reject(unreadable(path));
    const unread = await scanRepository(repository, { onUnseen() {} });
    expect(unread.map(({ id }) => id)).toEqual(['postgresql-base-pg']);
  });

  it('are one point of now in a folder of a day that is written to long after it, unless it is one of a run', async () => {
    const folders = ['a/pg_20240115', 'b/20240115', 'b/20240116'];
    const files = folders.flatMap((at) =>
      ['base.tar.gz', 'pg_wal.tar.gz'].map((name) => [`${at}/${name}`, PACKED] as const),
    );
    const { repository } = await treeOf(Object.fromEntries(files));
    const found = await scanRepository(repository);
    expect(
      found.map(({ id, restorePoints }) => [id, ...restorePoints.map((one) => one.id)]),
    ).toEqual([
      ['postgresql-base-a:pg_20240115', 'undated'],
      ['postgresql-base-b', '20240115', '20240116'],
    ]);
    expect(found[0]!.otherIds).toContain('postgresql-base-a:pg');
  });

  it('are whole with all tars that a manifest names, also where a name lies across two pieces of it', async () => {
    const name = 'pg_tblspc/16390/PG_17_202406281/5/1';
    const before = manifest('', name).indexOf(name);
    const PIECE_BYTES = 262_144;
    for (const across of [5, 12, name.length]) {
      const text = manifest('x'.repeat(PIECE_BYTES - before - across), name, ...MANY_FILES);
      expect(text.indexOf(name)).toBe(PIECE_BYTES - across);
      const files = { 'base.tar.gz': PACKED, 'pg_wal.tar.gz': PACKED, backup_manifest: text };
      const without = await stateOf(files);
      const whole = await stateOf({ ...files, '16390.tar.gz': PACKED });
      expect([without, whole]).toEqual([
        ['incomplete', '16390.tar, which the manifest names, is not there'],
        ['complete', null],
      ]);
    }
  });

  it('are not known where their manifest cannot be read', async () => {
    const { repository } = await treeOf({
      ...{ 'base.tar.gz': PACKED, 'pg_wal.tar.gz': PACKED, backup_manifest: manifest('a') },
    });
    const { openRead } = repository;
    repository.openRead = (path) =>
      path === 'backup_manifest'
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'bad sector'))
        : openRead.call(repository, path);
    const [found] = await scanRepository(repository);
    expect(found?.restorePoints.map(({ state }) => state)).toEqual(['unknown']);
  });

  it.each<[string, Readonly<Record<string, string | Buffer>>, string]>([
    ['a tar that was cut off', { 'base.tar.gz': PACKED.subarray(0, 20) }, 'incomplete'],
    ['a manifest that was cut off', { backup_manifest: manifest('a').slice(0, -20) }, 'incomplete'],
    [
      'a tablespace whose tar is missing',
      {
        '16384.tar.gz': PACKED,
        backup_manifest: manifest(
          ...['pg_tblspc/16384/PG_17_202406281/5/1', 'pg_tblspc/16390/PG_17_202406281/5/1'],
        ),
      },
      'incomplete',
    ],
    [
      'an increment of many files',
      { backup_manifest: manifest('base/5/INCREMENTAL.1', ...MANY_FILES) },
      'broken',
    ],
    [
      'an increment of many files, named last',
      { backup_manifest: manifest(...MANY_FILES, 'base/5/INCREMENTAL.1') },
      'broken',
    ],
    [
      'a manifest of many files that was cut off',
      { backup_manifest: manifest(...MANY_FILES).slice(0, -20) },
      'incomplete',
    ],
    ['a tar that is there twice', { 'base.tar': TAR }, 'broken'],
    [
      'an increment of PostgreSQL 17',
      { backup_manifest: manifest('base/5/INCREMENTAL.1255') },
      'broken',
    ],
  ])('are none with %s', async (_, files, state) => {
    const all = { 'base.tar.gz': PACKED, 'pg_wal.tar.gz': PACKED, backup_manifest: manifest('a') };
    const named = Object.entries({ ...all, ...files }).map(([name, bytes]) => [`p/${name}`, bytes]);
    const { repository } = await treeOf(Object.fromEntries(named) as Record<string, Buffer>);
    const [found, ...others] = await scanRepository(repository);
    expect([found?.id, ...(found?.restorePoints ?? []).map((point) => point.state)]).toEqual([
      ...['postgresql-base-p', state],
    ]);
    expect(others).toEqual([]);
  });
});
