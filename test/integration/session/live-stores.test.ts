import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { FileBackupStore } from '../../../src/api/file-backups/file-backup-store.js';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import type { VerifyInput } from '../../../workflows/messages.js';
import { workflowIdOfSession } from '../../../src/domain/sessions/copy-session.js';
import type { copySession } from '../../../workflows/session/copy-session.js';
import type { runFileBackup } from '../../../workflows/session/run-file-backup.js';
import { lookForNews } from '../../../src/mover/look/news.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { ChangeRun, NOW_MS, type Change } from '../../support/kill-table/change-run.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import {
  changeFiles,
  liveBorg,
  liveRestic,
  materialize,
  shareBackup,
  shareJob,
  type LiveStore,
} from '../../support/tree/live-stores.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { filesBelow } from '../../support/tree/tree-world.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';
import { describeWithTool } from '../../support/tree/with-tool.js';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-live-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Stops that are tried of each copy; each is judged by the tool, which takes about a second. */
const STOPS = 4;

/** A share, the store of its backups, and what a copy of it comes to. */
class LiveShare {
  readonly job: CopyJob;
  readonly tree: string;
  private sessions = 0;

  private constructor(
    readonly store: LiveStore,
    readonly folder: string,
    readonly source: BackupRepository,
  ) {
    const id = `${store.name}-share`;
    this.job = shareJob(id);
    this.tree = chainFolder(this.job.id, id);
  }

  static async make(store: LiveStore): Promise<LiveShare> {
    const folder = await newFolder();
    const source = { id: 'primary', rootPath: join(folder, 'primary'), readOnly: true };
    await changeFiles(join(folder, 'files'), 8);
    await promisify(execFile)('mkdir', [source.rootPath]);
    const share = new LiveShare(store, folder, await openDirectoryRepository(source));
    await store.init(share.repository);
    return share;
  }

  get repository(): string {
    return join(this.folder, 'primary', 'share');
  }

  get files(): string {
    return join(this.folder, 'files');
  }

  backUp(snapshot: string): Promise<void> {
    return this.store.backUp(this.repository, this.files, snapshot);
  }

  copy(target: SimulatedRepository): ChangeRun {
    const change: Change = {
      ...{ workflowType: 'copySession', endsWith: ['success', 'nothingToCopy'] },
      input: { job: this.job },
    };
    return ChangeRun.begin(change, this.source, target, { number: ++this.sessions });
  }

  /** A health check of all copies on the target. @returns how it ended when it did not end as `endsWith` */
  verify(target: SimulatedRepository, endsWith: string): Promise<string | null> {
    const input: VerifyInput = { repositoryId: 'offsite', restorePointId: null };
    const change: Change = { workflowType: 'verifyBackups', endsWith: [endsWith], input };
    return ChangeRun.begin(change, this.source, target, { number: ++this.sessions }).toEnd();
  }

  /** Folder with what a restore of the newest point of a copy gives. */
  async restored(target: SimulatedRepository): Promise<string> {
    const { points, jobId, workload } = (await readTreeRecord(target, this.tree))!;
    const destination = new SimulatedRepository(folderRepositoryId('/tmp'));
    const order = { destinationPath: '/tmp', format: 'same', repositoryId: 'offsite' } as const;
    const restorePointId = restorePointKey([jobId, workload.id, points.at(-1)!.id]);
    const sessions = new LocalSessions([target, destination]);
    const { result } = await sessions.restore({ ...order, restorePointId }, NOW_MS);
    expect(result).toBe('success');
    const folder = join(await newFolder(), 'restored');
    await materialize(await filesBelow(destination, ''), folder);
    return folder;
  }

  /** The tool finds a store whole, and gives back of it what the share has. */
  async restoresFrom(store: string, snapshot: string): Promise<void> {
    await this.store.check(store);
    const given = await newFolder();
    await this.store.restore(store, this.store.name === 'restic' ? 'latest' : snapshot, given);
    await promisify(execFile)('diff', ['-r', this.files, join(given, this.files)]);
  }

  /** How many snapshots a copy has, of which its tool says that all of it is whole. */
  async judged(target: SimulatedRepository): Promise<number> {
    const files = await filesBelow(target.restart({ kind: 'none' }), `${this.tree}/files`);
    const copy = join(await newFolder(), 'copy');
    await materialize(files, copy);
    await this.store.check(copy);
    return this.store.snapshotCount(copy);
  }
}

/** Operations of a copy after which its files are others than before: the stops that can leave a store of another state. */
function changesOf({ operations }: SimulatedRepository, tree: string): number[] {
  const files = `${tree}/files/`;
  return operations.flatMap(({ kind, path, to, number }) =>
    (kind === 'rename' && to!.startsWith(files)) || (kind === 'remove' && path.startsWith(files))
      ? [number]
      : [],
  );
}

/** At most `count` of them, the first and the last among them. */
function sampleOf(numbers: readonly number[], count: number): number[] {
  if (numbers.length <= count) return [...numbers];
  return Array.from(
    { length: count },
    (_, index) => numbers[Math.round((index * (numbers.length - 1)) / (count - 1))]!,
  );
}

/** Backups at most that are made beside a copy. */
const NOISE = 8;
/** A busy machine takes its time for tools that make keys slow on purpose. */
const PATIENCE_MS = 240_000;

describeWithTool('a copy of a store', ['restic', 'borg'], () => {
  it.each([
    ['restic', liveRestic],
    ['borg', liveBorg],
  ])(
    'of %s is one that the tool finds whole, wherever the copy of what was added is killed',
    async (_, store) => {
      const share = await LiveShare.make(store);
      await share.backUp('one');
      const before = new SimulatedRepository('offsite');
      expect(await share.copy(before).toEnd()).toBeNull();
      expect(await share.judged(before)).toBe(1);
      // Borg: the numbers of segments pass 9, so that their names are not in their order.
      for (const name of ['two', 'three']) {
        await changeFiles(share.files, 6);
        await share.backUp(name);
      }

      const done = before.clone();
      expect(await share.copy(done).toEnd()).toBeNull();
      const changes = changesOf(done, share.tree);
      let last = done;
      for (const atOperation of sampleOf(changes, STOPS)) {
        const target = before.clone({ crash: { atOperation, when: 'after' } });
        await expect(share.copy(target).toEnd()).rejects.toThrow(WorkerDeath);
        const place = `stop at ${atOperation} of ${changes.join(', ')}`;
        expect([1, 2, 3], place).toContain(await share.judged(target));
        last = target.restart({ kind: 'power', seed: atOperation });
        expect(await share.copy(last).toEnd()).toBeNull();
      }
      expect(await share.judged(last)).toBe(3);
    },
    PATIENCE_MS,
  );
});

describeWithTool('a copy of a store whose storage rots', ['restic', 'borg'], () => {
  it.each([
    ['restic', liveRestic],
    ['borg', liveBorg],
  ])(
    'of %s is whole again to the tool when a health check has found what was changed and what is gone',
    async (_, store) => {
      const share = await LiveShare.make(store);
      await share.backUp('one');
      await changeFiles(share.files, 2);
      await share.backUp('two');
      const target = new SimulatedRepository('offsite');
      expect(await share.copy(target).toEnd()).toBeNull();
      const files = await filesBelow(target, `${share.tree}/files`);
      const [largest, second] = [...files].sort(([, a], [, b]) => b.length - a.length);
      const rotten = Buffer.from(largest![1]);
      rotten[rotten.length >> 1]! ^= 1;
      await target.put(`${share.tree}/files/${largest![0]}`, rotten);
      await expect(share.judged(target)).rejects.toThrow();
      // The tool asks for a file that is gone again and again, for a minute and more.
      await target.remove(`${share.tree}/files/${second![0]}`);

      expect(await share.verify(target, 'warning')).toBeNull();
      expect(await share.judged(target)).toBe(2);
      expect(await share.verify(target, 'success')).toBeNull();
      await share.restoresFrom(await share.restored(target), 'two');
    },
    PATIENCE_MS,
  );
});

describeTemporal('a store that is written to while it is copied', () => {
  let site: TestSite;
  let workers: TestWorkers;
  afterEach(async () => {
    await workers.stop();
    await site.remove();
  });

  /** Another share that is backed up to the same store again and again, until it is told to end. */
  function keepWriting(store: LiveStore): () => Promise<void> {
    let isEnded = false;
    const work = async (): Promise<void> => {
      for (let number = 0; !isEnded && number < NOISE; number++) {
        await changeFiles(site.path('noise'), 3, 3_000_000);
        await store.backUp(site.path('primary', 'share'), site.path('noise'), `noise${number}`);
        if (store.name === 'restic' && number % 2 === 1)
          await store.prune(site.path('primary', 'share'), 4);
      }
    };
    const written = work();
    // Told by who waits for it, also when it fails before that.
    written.catch(() => undefined);
    return () => {
      isEnded = true;
      return written;
    };
  }

  async function open(store: LiveStore): Promise<void> {
    site = await TestSite.create(null);
    await writeFile(site.path('password'), 'live');
    // Packs and segments that are copied in several windows.
    await changeFiles(site.path('files'), 20, 1_000_000);
    await changeFiles(site.path('noise'), 4);
    await store.init(site.path('primary', 'share'));
    site.primaryBackups = [
      {
        ...{ id: 'nightly', kind: 'restic', program: 'restic', repositoryId: 'primary' },
        ...{ folder: 'share', passwordFile: site.path('password'), excludes: [] },
        paths: [site.path('files')],
      },
    ];
    // A backup ends every few seconds here, and the look at the source with it.
    workers = await TestWorkers.start(site, { maxReplans: 20 });
  }

  async function restored(store: LiveStore, copy: string, snapshot: string): Promise<void> {
    await store.check(copy);
    await store.restore(copy, snapshot, site.path('restored'));
    const both = [site.path('files'), site.path('restored', site.path('files'))];
    await promisify(execFile)('diff', ['-r', ...both]);
  }

  it(
    'has a copy that restic finds whole, by a run that makes the backup and then the copy',
    async () => {
      await open(liveRestic);
      const end = keepWriting(liveRestic);
      const { client } = workers;
      const jobs = new JobStore(client, new SessionStore(client), Date.now);
      const store = new FileBackupStore(client, jobs, Date.now);
      await store.create(shareBackup('restic-share'));
      const runId = await store.start('shares');
      const run = client.workflow.getHandle<typeof runFileBackup>(`file-backup/${runId}`);
      const { result, reason, snapshot, sessions } = await run.result();
      await end();
      expect([result, reason, sessions.length]).toEqual(['success', null, 1]);
      const copy = client.workflow.getHandle<typeof copySession>(
        workflowIdOfSession(sessions[0]!)!,
      );
      expect(await copy.result()).toMatchObject({ result: 'success', reason: null });
      // A copy that was to follow and cannot is told, whoever has disabled it.
      const spare = { ...shareBackup('restic-share'), id: 'spare', primaryBackup: null };
      await store.create(spare);
      await jobs.disable('spare-offsite');
      const spareRun = `file-backup/${await store.start('spare')}`;
      expect(await client.workflow.getHandle<typeof runFileBackup>(spareRun).result()).toEqual({
        ...{ result: 'warning', snapshot: null, sessions: [] },
        reason: 'nothing was copied to offsite: its job spare-offsite is disabled or gone',
      });
      const folder = chainFolder('shares-offsite', 'restic-share');
      await restored(liveRestic, site.path('offsite', folder, 'files'), snapshot!);
    },
    PATIENCE_MS,
  );

  it(
    'has a copy that borg finds whole, with what was finished before it began',
    async () => {
      await open(liveBorg);
      await liveBorg.backUp(site.path('primary', 'share'), site.path('files'), 'known');
      const end = keepWriting(liveBorg);
      const { result, reason } = await workers.runSession(shareJob('borg-share'));
      await end();
      expect([result, reason]).toEqual(['success', null]);
      const folder = chainFolder('shares-offsite', 'borg-share');
      await restored(liveBorg, site.path('offsite', folder, 'files'), 'known');
    },
    PATIENCE_MS,
  );
});

it('is news for the job that copies it, once for each snapshot, and for no copy job', async () => {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const put = async (folder: string, text: string): Promise<void> => {
    const name = createHash('sha256').update(text).digest('hex');
    await source.put(`share/${folder}/${name}`, Buffer.from(text));
  };
  await source.put('share/config', Buffer.from('config'));
  for (const folder of ['data/ab', 'index', 'keys', 'snapshots']) await put(folder, folder);
  const mover = new InProcessMover(source, target);
  const look = async (job: CopyJob): Promise<string[]> => {
    const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs: NOW_MS };
    const { workloads } = await lookForNews(mover.context(), { job, ...rest });
    return workloads.map(({ id }) => id);
  };
  const job = shareJob('restic-share');
  expect(await look(testJob())).toEqual([]);
  expect(await look(job)).toEqual(['restic-share']);
  const { result } = await new LocalSessions([source, target]).tryToCopy(job, NOW_MS);
  expect([result, await look(job)]).toEqual(['success', []]);
  await put('snapshots', 'another');
  expect(await look(job)).toEqual(['restic-share']);
});
