import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { writeJobDefinition } from '../../../src/chain/sessions/session-record.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { LivingSite } from '../../support/living/living-site.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const run = promisify(execFile);
const WORKLOAD = 'ovirt-mail01';
const MOVED_MS = Date.parse('2026-11-03T23:00:00Z');
const THREE_BLOCKS = 3 * 65_536;

const NIGHTLY = testJob({ origin: 'of-nightly', retention: { type: 'restorePoints', value: 2 } });
/** The same job, whose copies go elsewhere now. */
const MOVED: CopyJob = { ...NIGHTLY, target: { repositoryId: 'vault' }, revision: 2 };

/** Folders of a job that are carried to another target by a tool of the operating system. */
describe('copies in a target that they were carried to', () => {
  let living: LivingSite;
  let vault: Awaited<ReturnType<typeof openDirectoryRepository>>;
  let sessions: LocalSessions;
  beforeEach(async () => {
    living = await LivingSite.create();
    await living.copyAt('2026-11-02T23:00:00Z');
    await writeJobDefinition(await living.site.openTarget(), NIGHTLY);
    await mkdir(living.site.path('vault'));
    vault = await openDirectoryRepository({
      ...{ id: 'vault', rootPath: living.site.path('vault'), readOnly: false },
    });
    const target = await living.site.openTarget();
    sessions = new LocalSessions([await living.site.openSource(), target, vault]);
  });
  afterEach(() => living.site.remove());

  /** As docs/OPERATIONS.md says it. */
  async function carry(): Promise<void> {
    const [from, to] = [living.site.path('offsite', 'nightly'), living.site.path('vault')];
    await run('cp', ['-a', from, to]);
  }

  async function pointsOf(job: CopyJob) {
    const repository = job.target.repositoryId === 'vault' ? vault : await living.site.openTarget();
    const record = await readChainRecord(repository, chainFolder(job.id, WORKLOAD));
    return record!.points;
  }

  /** Each point against the disk as the guest had it, by `qemu-img compare`. */
  async function expectTrue(job: CopyJob): Promise<void> {
    const place = living.site.path(job.target.repositoryId, chainFolder(job.id, WORKLOAD));
    for (const { createdAt, disks } of await pointsOf(job)) {
      const truth = living.site.path('truth.raw');
      await writeFile(truth, living.machine().diskAt(createdAt));
      const file = `${place}/${disks[0]!.path}`;
      const { stdout } = await run('qemu-img', [
        'compare',
        '-f',
        'raw',
        '-F',
        'qcow2',
        truth,
        file,
      ]);
      expect(stdout).toContain('Images are identical.');
    }
  }

  it('are gone on with by their job, which sends only the difference and keeps to its retention', async () => {
    await carry();
    expect(await sessions.verify('vault', MOVED_MS)).toMatchObject({
      ...{ result: 'success', reason: '2 restore points are as they were written' },
    });
    expect(await sessions.copy(MOVED, MOVED_MS)).toMatchObject({ result: 'nothingToCopy' });

    await living.backUp('mail01', 3); // on this day the machine writes three blocks
    const { result, tasks } = await sessions.copy(MOVED, MOVED_MS + 60_000);
    expect(result).toBe('success');
    expect(tasks).toMatchObject([
      { algorithm: 'increment', progress: { transferredBytes: THREE_BLOCKS } },
    ]);
    // The first of three has been merged: two are kept.
    expect((await pointsOf(MOVED)).map(({ createdAt }) => createdAt)).toEqual([
      ...['2026-11-02T22:00:00.000Z', '2026-11-03T22:00:00.000Z'],
    ]);
    await expectTrue(MOVED);
    // What was left behind is as it was.
    expect(await pointsOf(NIGHTLY)).toHaveLength(2);
    await expectTrue(NIGHTLY);
  });

  it('are gone on with by a second job, while the first goes on with its own', async () => {
    await carry();
    const second = testJob({ id: 'second', origin: 'of-second', target: MOVED.target });
    const workload = await living.site.workload('mail01');
    const chain = { jobId: 'nightly', workloadId: WORKLOAD, workload };
    const input = { repositoryId: 'vault', chain, job: second };
    expect(await sessions.rehome(input, MOVED_MS)).toMatchObject({ result: 'success' });
    await living.backUp('mail01', 3);
    for (const job of [second, NIGHTLY]) {
      const { tasks } = await sessions.copy(job, MOVED_MS + 60_000);
      expect(tasks).toMatchObject([
        { result: 'success', algorithm: 'increment', progress: { transferredBytes: THREE_BLOCKS } },
      ]);
      await expectTrue(job);
    }
  });

  it('are not taken for whole when some of them did not arrive', async () => {
    await carry();
    const [first] = await pointsOf(MOVED);
    const lost = living.site.path('vault', chainFolder('nightly', WORKLOAD), first!.id);
    await rm(lost, { recursive: true });
    await living.backUp('mail01', 3);
    const session = await sessions.tryToCopy(MOVED, MOVED_MS);
    expect(session).toMatchObject({
      result: 'warning',
      tasks: [{ reason: expect.stringContaining('no restore point is merged or deleted') }],
    });
    const { result, notes } = await sessions.verify('vault', MOVED_MS);
    expect(result).toBe('failed');
    expect(notes[0]).toMatch(`mail01: ${first!.id}: ${first!.disks[0]!.path} is missing`);
    await expectTrue(NIGHTLY);
  });
});
