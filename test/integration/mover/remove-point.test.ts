import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.now() + 86_400_000;
const JOB = testJob({ restorePoints: 'all' });

let site: TestSite;
let target: BackupRepository;
let sessions: LocalSessions;
beforeEach(async () => {
  site = await TestSite.create();
  target = await openDirectoryRepository({
    ...{ id: 'offsite', rootPath: site.path('offsite'), readOnly: false },
  });
  const source = await openDirectoryRepository({
    ...{ id: 'primary', rootPath: site.path('primary'), readOnly: true },
  });
  sessions = new LocalSessions([source, target]);
});
afterEach(() => site.remove());

async function chains(): Promise<{ workloadId: string; points: string[] }[]> {
  const found = [];
  for (const entry of await readdir(site.path('offsite', JOB.id))) {
    const record = await readChainRecord(target, `${JOB.id}/${entry}`).catch(() => null);
    if (record !== null)
      found.push({ workloadId: record.workload.id, points: record.points.map(({ id }) => id) });
  }
  return found;
}

function remove(workloadId: string, pointId: string, mode: 'delete' | 'setAside', all = false) {
  const restorePointId = restorePointKey([JOB.id, workloadId, pointId]);
  const order = { repositoryId: 'offsite', restorePointId, mode, withDependents: all };
  return sessions.remove(order, NOW_MS);
}

it('takes a point and what builds on it out of its chain, and no session copies it again', async () => {
  await sessions.copy(JOB, NOW_MS);
  const [first] = (await chains()).filter(({ points }) => points.length > 1);
  const { workloadId, points } = first!;
  const [full, ...increments] = points;
  const newest = increments.at(-1)!;
  const folder = chainFolder(JOB.id, workloadId);

  expect(await remove(workloadId, full!, 'delete')).toMatchObject({
    ...{ result: 'failed', code: 'POINT_NEEDED' },
  });
  expect(await remove(workloadId, 'no-such-point', 'delete')).toMatchObject({ result: 'failed' });
  expect((await chains()).find((chain) => chain.workloadId === workloadId)?.points).toEqual(points);

  const aside = await remove(workloadId, newest, 'setAside');
  expect(aside).toMatchObject({ result: 'success', notes: [expect.stringContaining(newest)] });
  const kept = (await readdir(site.path('offsite', folder, '.quarantine'))).join();
  expect(kept).toContain(newest);

  expect((await sessions.copy(JOB, NOW_MS + 60_000)).result).toBe('nothingToCopy');
  const all = await remove(workloadId, full!, 'delete', true);
  expect(all).toMatchObject({ result: 'success' });
  expect(await readdir(site.path('offsite', folder))).not.toContain(full);
  const left = (await chains()).find((chain) => chain.workloadId === workloadId);
  expect(left?.points).toEqual([]);
});
