import { cp } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NIGHT_MS = Date.parse('2026-11-25T22:00:00Z');
const DAY_MS = 86_400_000;

let site: TestSite;
beforeEach(async () => {
  site = await TestSite.create();
});
afterEach(() => site.remove());

/** @param place folder of the site that the source `mirror` shows */
async function sessionsWith(place: string): Promise<LocalSessions> {
  const mirror = { id: 'mirror', rootPath: site.path(place), readOnly: true };
  const archive = { id: 'archive', rootPath: site.path('archive'), readOnly: false };
  await site.makeFolder('archive');
  return new LocalSessions([
    await site.openSource(),
    await site.openTarget(),
    await openDirectoryRepository(mirror),
    await openDirectoryRepository(archive),
  ]);
}

function jobFrom(repositoryIds: readonly string[], changes: Partial<CopyJob> = {}): CopyJob {
  const include = repositoryIds.map((repositoryId) => ({ repositoryId }));
  return testJob({ sources: { include, exclude: [] }, ...changes });
}

it('copies nothing from its own target under another path, and says which it is', async () => {
  const sessions = await sessionsWith('offsite');
  const job = jobFrom(['primary', 'mirror']);
  await sessions.copy(job, NIGHT_MS);

  const { result, tasks } = await sessions.tryToCopy(job, NIGHT_MS + DAY_MS);

  expect(result).toBe('failed');
  expect(tasks.filter(({ code }) => code !== null)).toMatchObject([
    {
      workload: 'repository mirror',
      code: 'SOURCE_IS_TARGET',
      reason: expect.stringContaining('source mirror is the target offsite under another path'),
    },
  ]);
  expect(tasks.map(({ workload }) => workload).sort()).toEqual([
    'files01',
    'repository mirror',
    'web01',
  ]);
});

it('copies nothing from a copy of its own target', async () => {
  const first = await sessionsWith('offsite');
  await first.copy(jobFrom(['primary']), NIGHT_MS);
  await cp(site.path('offsite'), site.path('moved'), { recursive: true });
  const sessions = await sessionsWith('moved');

  const { tasks } = await sessions.tryToCopy(jobFrom(['mirror']), NIGHT_MS + DAY_MS);

  expect(tasks.map(({ code }) => code)).toEqual(['SOURCE_IS_TARGET']);
});

it('copies on from a target that is named as the source itself', async () => {
  const sessions = await sessionsWith('archive');
  await sessions.copy(jobFrom(['primary']), NIGHT_MS);
  const onward = jobFrom(['offsite'], { id: 'onward', target: { repositoryId: 'archive' } });

  const { result, tasks } = await sessions.copy(onward, NIGHT_MS + DAY_MS);

  expect(result).toBe('success');
  expect(tasks).toHaveLength(2);
});

it('finds no source in a target that lies in a folder of a source', async () => {
  const first = await sessionsWith('offsite');
  await first.copy(jobFrom(['primary']), NIGHT_MS);
  await cp(site.path('offsite'), site.path('wide', 'off'), { recursive: true });
  const sessions = await sessionsWith('wide');

  const { tasks } = await sessions.tryToCopy(jobFrom(['mirror']), NIGHT_MS + DAY_MS);

  expect(tasks).toEqual([]);
});
