import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import type { VerifyInput } from '../../../workflows/messages.js';
import { ChangeRun, NOW_MS, type Change } from '../kill-table/change-run.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { changeFiles, materialize, shareJob, type LiveStore } from './live-stores.js';
import { filesBelow } from './tree-world.js';

/** A share, the store of its backups, and what a copy of it comes to. */
export class LiveShare {
  readonly job: CopyJob;
  readonly tree: string;
  private sessions = 0;
  private readonly folders: string[] = [];

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
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-live-'));
    const source = { id: 'primary', rootPath: join(folder, 'primary'), readOnly: true };
    await changeFiles(join(folder, 'files'), 8);
    await mkdir(source.rootPath);
    const share = new LiveShare(store, folder, await openDirectoryRepository(source));
    await store.init(share.repository);
    return share;
  }

  async remove(): Promise<void> {
    for (const folder of [this.folder, ...this.folders])
      await rm(folder, { recursive: true, force: true });
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

  /** @param isAgreed an operator has agreed to what the target has lost, and is told of it */
  copy(target: SimulatedRepository, isAgreed = false): ChangeRun {
    const endsWith = ['success', 'nothingToCopy', ...(isAgreed ? ['warning'] : [])];
    const change: Change = {
      ...{ workflowType: 'copySession', endsWith },
      input: { job: this.job, overrides: { acceptChanges: isAgreed } },
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
    const { result, reason } = await sessions.restore({ ...order, restorePointId }, NOW_MS);
    if (result !== 'success') throw new Error(`the restore ends as ${result}: ${reason}`);
    const folder = join(await this.newFolder(), 'restored');
    await materialize(await filesBelow(destination, ''), folder);
    return folder;
  }

  /** The tool finds a store whole, and gives back of it what the share has. */
  async restoresFrom(store: string, snapshot: string): Promise<void> {
    await this.store.check(store);
    const given = await this.newFolder();
    await this.store.restore(store, this.store.name === 'restic' ? 'latest' : snapshot, given);
    await promisify(execFile)('diff', ['-r', this.files, join(given, this.files)]);
  }

  /** The files of a copy as a killed process leaves them. */
  filesOf(target: SimulatedRepository): Promise<Map<string, Buffer>> {
    return filesBelow(target.restart({ kind: 'none' }), `${this.tree}/files`);
  }

  /** How many snapshots a copy has, of which its tool says that all of it is whole. */
  async judged(target: SimulatedRepository): Promise<number> {
    const copy = join(await this.newFolder(), 'copy');
    await materialize(await this.filesOf(target), copy);
    await this.store.check(copy);
    return this.store.snapshotCount(copy);
  }

  private async newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-live-'));
    this.folders.push(folder);
    return folder;
  }
}
