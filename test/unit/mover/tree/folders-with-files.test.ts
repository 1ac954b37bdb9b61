import { describe, expect, it } from 'vitest';
import { testJob } from '../../../support/session/test-site.js';
import { clusterFiles } from '../../../support/layout/cluster-files.js';
import { folder } from '../../../support/tree/copied-trees.js';
import { filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const EMPTY = ['pg_notify', 'pg_replslot', 'pg_logical/mappings', 'pg_wal/archive_status'];

/** A cluster in a folder of this date; the root is the backup where there is none. */
async function copied(date: string): Promise<TreeWorld> {
  const job = testJob({ restorePoints: 'all' });
  const world = new TreeWorld('pg', 'pg-base', job, 'pg-base-pg');
  for (const [path, bytes] of Object.entries(clusterFiles(date))) await world.write(path, bytes);
  world.nowMs = Date.now() + 3_600_000;
  expect((await world.copy()).result).toBe('success');
  return world;
}

describe('folders that a database needs although nothing lies in them', () => {
  it.each([['2026-11-24'], ['']])(
    'are there in the copy and after a restore (%j)',
    async (date) => {
      const world = await copied(date);
      const within = (path: string) => (date === '' ? path : `${date}/${path}`);
      const typeOf = async (path: string) => (await world.target.stat(path))?.type;
      for (const path of EMPTY)
        expect(await typeOf(`${world.tree}/files/${within(path)}`), path).toBe('folder');
      const [point] = (await world.record()).points;
      const destination = folder();
      const restored = await world.restore(destination, point!.source.restorePointId);
      expect(restored.result).toBe('success');
      for (const path of EMPTY)
        expect((await destination.stat(within(path)))?.type, path).toBe('folder');
      expect(await filesBelow(destination, '')).toEqual(world.files);
    },
  );
});
