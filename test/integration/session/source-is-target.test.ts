import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { UnseenPart } from '../../../src/domain/sources/unseen-part.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
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
  await site.makeFolder('mount-point');
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

it('names a target that lies in a folder of a source, and copies what is beside it', async () => {
  const first = await sessionsWith('offsite');
  await first.copy(jobFrom(['primary']), NIGHT_MS);
  await cp(site.path('offsite'), site.path('primary', 'deep', 'off'), { recursive: true });

  const { result, tasks } = await first.copy(
    jobFrom(['primary'], { id: 'other' }),
    NIGHT_MS + DAY_MS,
  );

  expect(result).toBe('success');
  expect(tasks).toHaveLength(3);
  expect(tasks).toContainEqual(
    expect.objectContaining({
      workload: 'repository primary: deep/off',
      result: 'nothingToCopy',
      code: 'SOURCE_HOLDS_TARGET',
      reason:
        'deep/off is a target of Longhaul inside this source: what is there are copies, and they are not copied again',
    }),
  );
});

it('takes nothing in such a target for a source and names it, whatever is lost there', async () => {
  const first = await sessionsWith('offsite');
  await first.copy(jobFrom(['primary']), NIGHT_MS);
  for (const machine of ['web01', 'files01']) {
    const { workload } = (await site.chain('nightly', machine))!;
    for (const name of ['chain.json', 'chain.json.copy'])
      await rm(site.path('offsite', 'nightly', workload.id, name));
  }
  await cp(site.path('offsite'), site.path('primary', 'off'), { recursive: true });

  const unseen: UnseenPart[] = [];
  const workloads = await listSourceWorkloads(await site.openSource(), (part) => unseen.push(part));

  expect(unseen).toEqual([{ path: 'off', code: 'SOURCE_HOLDS_TARGET' }]);

  expect(workloads.map(({ name }) => name).sort()).toEqual(['files01', 'web01']);
  for (const { folders } of workloads) expect(folders.join()).not.toContain('off/');
});

it.each(['nightly', 'nightly/libvirt-4d2a9f61-8c35-4e70-b1d8-0f6e3a7c5b92'])(
  'names a source that lies inside a target (%s)',
  async (folder) => {
    const first = await sessionsWith('offsite');
    await first.copy(jobFrom(['primary']), NIGHT_MS);
    const sessions = await sessionsWith(join('offsite', folder));

    const { result, tasks } = await sessions.copy(jobFrom(['mirror']), NIGHT_MS + DAY_MS);

    expect(result).toBe('warning');
    expect(tasks).toMatchObject([
      { workload: 'repository mirror', code: 'SOURCE_EMPTY' },
      { workload: 'repository mirror: .', code: 'SOURCE_HOLDS_TARGET' },
    ]);
  },
);

it('warns of a source that shows nothing, whatever else is copied', async () => {
  const sessions = await sessionsWith('mount-point');

  const { result, tasks } = await sessions.copy(jobFrom(['primary', 'mirror']), NIGHT_MS);

  expect(result).toBe('warning');
  expect(tasks).toContainEqual(
    expect.objectContaining({
      workload: 'repository mirror',
      result: 'warning',
      code: 'SOURCE_EMPTY',
      reason: expect.stringMatching(
        /^repository mirror shows no backups at all\. Check that its share/,
      ),
    }),
  );
  expect(tasks.filter((task) => task.result === 'success')).toHaveLength(2);
});
