import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { FileBackupStore } from '../../../src/api/file-backups/file-backup-store.js';
import { JobStore } from '../../../src/api/jobs/job-store.js';
import { SessionStore } from '../../../src/api/sessions/session-store.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { workflowIdOfSession } from '../../../src/domain/sessions/copy-session.js';
import type { copySession } from '../../../workflows/session/copy-session.js';
import type { runFileBackup } from '../../../workflows/session/run-file-backup.js';
import { lookForNews } from '../../../src/mover/look/news.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import {
  killStore,
  STORE_SCENARIOS,
  type StoreScenario,
} from '../../support/kill-table/store-kills.js';
import { LiveShare } from '../../support/tree/live-share.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import {
  changeFiles,
  liveBorg,
  liveRestic,
  shareBackup,
  shareJob,
  type LiveStore,
} from '../../support/tree/live-stores.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { filesBelow } from '../../support/tree/tree-world.js';
import { describeWithTool } from '../../support/tree/with-tool.js';

const shares: LiveShare[] = [];
async function newShare(store: LiveStore): Promise<LiveShare> {
  const share = await LiveShare.make(store);
  shares.push(share);
  return share;
}
afterEach(async () => {
  for (const share of shares.splice(0)) await share.remove();
});

/** Backups at most that are made beside a copy. */
const NOISE = 8;
/** A busy machine takes its time for tools that make keys slow on purpose. */
const PATIENCE_MS = 600_000;

/** How many of the operations that name or remove files of a copy lie between two stops; `npm run test:kill-trees` stops at every operation. */
const EVERY: Record<StoreScenario, number> = {
  'first copy of a store': 2,
  'copy of what was added': 4,
  'copy to a target that was wiped': 16,
};

describeWithTool('a copy of a store that is killed', ['restic', 'borg'], () => {
  it.each(
    [liveRestic, liveBorg].flatMap((store) =>
      (Object.keys(STORE_SCENARIOS) as StoreScenario[]).map(
        (name) => [store.name, name, store] as const,
      ),
    ),
  )(
    'is one that its tool finds whole, or sees none, and is completed by the next session: of %s, %s',
    async (_, name, store) => {
      const share = await newShare(store);
      const stops = { every: EVERY[name], ofNames: true, cuts: 0 };
      const { positions, faults } = await killStore(share, name, stops);
      expect(faults).toEqual([]);
      expect(positions).toBeGreaterThan(0);
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
      const share = await newShare(store);
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
