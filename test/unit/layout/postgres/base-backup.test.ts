import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { shown, treeOf } from '../../../support/layout/tree.js';

/** An empty archive: two blocks of zeros. */
const TAR = Buffer.alloc(1_024);
const PACKED = gzipSync(TAR);

function manifest(...paths: string[]): string {
  const files = paths.map((path) => `{ "Path": "${path}", "Size": 1 }`).join(',\n');
  return `{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n${files}\n],\n"Manifest-Checksum": "${'9f'.repeat(32)}"}\n`;
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

  it.each<[string, Readonly<Record<string, string | Buffer>>, string]>([
    ['a tar that was cut off', { 'base.tar.gz': PACKED.subarray(0, 20) }, 'incomplete'],
    ['a manifest that was cut off', { backup_manifest: manifest('a').slice(0, -20) }, 'incomplete'],
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
