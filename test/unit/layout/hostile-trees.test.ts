import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { treePathFault } from '../../../src/domain/trees/tree-path.js';
import { hanaLayout } from '../../../src/layout/hana/hana.js';
import { mongodumpLayout } from '../../../src/layout/mongodb/mongodump.js';
import { pbmLayout } from '../../../src/layout/mongodb/pbm.js';
import { mssqlLayout } from '../../../src/layout/mssql/mssql.js';
import { pgBackRestLayout } from '../../../src/layout/postgres/pgbackrest.js';
import { walFolderLayout } from '../../../src/layout/postgres/wal-folder.js';
import type { TreeLayout } from '../../../src/layout/tree-layout.js';
import { noRealTrees, realTree, treeOf } from '../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanTreesWith } from '../../support/layout/scan-trees-with.js';

/** Bytes that follow from a seed. */
function noise(seed: string, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at * 32 < length; at++)
    parts.push(createHash('sha256').update(`${seed}${at}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

const DAMAGE: Readonly<Record<string, (bytes: Buffer, seed: string) => Buffer>> = {
  'without a byte': () => Buffer.alloc(0),
  'cut in half': (bytes) => bytes.subarray(0, bytes.length >> 1),
  'of noise': (bytes, seed) => noise(seed, bytes.length),
  'with noise in its head': (bytes, seed) =>
    Buffer.concat([noise(seed, Math.min(64, bytes.length)), bytes.subarray(64)]),
  'with noise in its end': (bytes, seed) =>
    Buffer.concat([bytes.subarray(0, -64), noise(seed, Math.min(64, bytes.length))]),
  'of deep JSON': () => Buffer.from(`{"name":${'['.repeat(200_000)}`),
  'of a JSON that is no object': () => Buffer.from('[null]'),
  'of zeros': (bytes) => Buffer.alloc(bytes.length),
};

const TREES: readonly [string, TreeLayout, () => Promise<RepositoryCopy>, RegExp][] = [
  ['Percona Backup', pbmLayout, () => realTree('../pbm.tar.zst'), /\.json$|rs1/],
  ['mongodump', mongodumpLayout, () => realTree('mongodump'), /./],
  ['SQL Server', mssqlLayout, () => realTree('mssql/ft1-sql2008r2'), /./],
  [
    'pgBackRest',
    pgBackRestLayout,
    () => realTree('pgbackrest/repo1-zst.tar.zst'),
    /\.info|backup\.manifest$/,
  ],
  ['WAL', walFolderLayout, () => realTree('pgwal/wal-1MiB-segments.tar.zst'), /0[67]/],
];

async function expectSound(layout: TreeLayout, copy: RepositoryCopy): Promise<void> {
  const { repository, at } = copy;
  const present = new Set(
    (await readdir(at(''), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(at(''), join(entry.parentPath, entry.name))),
  );
  for (const { root, points } of await scanTreesWith(layout, repository)) {
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
    for (const { files, createdAtMs, state, reason } of points) {
      expect(Number.isSafeInteger(createdAtMs)).toBe(true);
      expect(reason === null).toBe(state === 'complete');
      for (const path of files ?? []) {
        expect(treePathFault(path)).toBeNull();
        expect(present.has(root === '' ? path : `${root}/${path}`), path).toBe(true);
      }
    }
  }
}

describe.skipIf(noRealTrees)('layouts of databases', () => {
  it.each(TREES)(
    'of %s take any file for what it is, and name none that they have not listed',
    async (_, layout, make, which) => {
      const copy = await make();
      const entries = await readdir(copy.at(''), { recursive: true, withFileTypes: true });
      const paths = entries
        .filter((entry) => entry.isFile() && which.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) {
        const bytes = await readFile(path);
        for (const damage of Object.values(DAMAGE)) {
          await writeFile(path, damage(bytes, path));
          await expectSound(layout, copy);
        }
        await writeFile(path, bytes);
      }
    },
  );
});

describe('heads of SAP HANA', () => {
  it.each(Object.keys(DAMAGE))('%s leave the backup to its names', async (name) => {
    const head = DAMAGE[name]!(Buffer.from('[BACKUPID]1795500000000'), name);
    const copy = await treeOf({ 'h/x_databackup_0_1': head, 'h/x_databackup_1_1': 'x' });
    await expectSound(hanaLayout, copy);
  });
});
