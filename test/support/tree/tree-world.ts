import { createHash } from 'node:crypto';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { CopyJob, StartOverrides } from '../../../src/domain/jobs/copy-job.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import type { TreeRecord } from '../../../src/tree/tree-record.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import type { CopySessionOutcome, RestoreInput } from '../../../workflows/messages.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import type { WorkerOptions } from '../workflows/local-worker.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';

export const DAY_MS = 24 * 60 * 60_000;
export const START_MS = Date.parse('2026-11-25T00:00:00Z');

/** A source with files that a test knows, and a target. */
export class TreeWorld {
  source = new SimulatedRepository('primary');
  target: SimulatedRepository;
  /** What the source holds, by path in the tree. */
  readonly files = new Map<string, Buffer>();
  nowMs = START_MS;
  readonly tree: string;

  constructor(
    readonly root = 'store',
    platform = 'toy',
    readonly job: CopyJob = testJob({ transactionLogs: true }),
    workloadId = `${platform}:${root}`,
  ) {
    this.target = new SimulatedRepository('offsite');
    this.tree = chainFolder(job.id, workloadId);
  }

  async write(path: string, content: Buffer | string): Promise<void> {
    const bytes = Buffer.from(content);
    await this.source.put(`${this.root}/${path}`, bytes);
    this.files.set(path, bytes);
  }

  /** A file of a store that is named by its SHA-256. */
  async writeBlob(content: Buffer | string): Promise<string> {
    const path = `data/${createHash('sha256').update(content).digest('hex')}`;
    await this.write(path, content);
    return path;
  }

  async remove(path: string): Promise<void> {
    await this.source.remove(`${this.root}/${path}`);
    this.files.delete(path);
  }

  /** A session at the present time, which then is a minute later. */
  async copy(overrides: StartOverrides = {}, job: CopyJob = this.job): Promise<CopySessionOutcome> {
    this.nowMs += 60_000;
    const sessions = new LocalSessions([this.source, this.target]);
    return sessions.tryToCopy(job, this.nowMs, overrides);
  }

  /** A health check of the target. */
  async verify(options: WorkerOptions = {}): Promise<OperationStatus> {
    this.nowMs += 60_000;
    const sessions = new LocalSessions([this.source, this.target], options);
    return sessions.verify('offsite', this.nowMs);
  }

  /** A restore of a point of the copy into `destination`.
   *  @param sourceId as the source names the point */
  async restore(
    destination: SimulatedRepository,
    sourceId: string,
    order: Partial<RestoreInput> = {},
    options: WorkerOptions = {},
  ): Promise<OperationStatus> {
    this.nowMs += 60_000;
    const { points, jobId, workload } = await this.record();
    const { id } = points.find(({ source }) => source.restorePointId === sourceId)!;
    const sessions = new LocalSessions([this.target, destination], options);
    return sessions.restore(
      {
        ...{ repositoryId: 'offsite', restorePointId: restorePointKey([jobId, workload.id, id]) },
        ...{ destinationPath: destination.id.slice('folder:'.length), format: 'same' },
        ...order,
      },
      this.nowMs,
    );
  }

  /** Puts other bytes under the name of a file of the copy, behind the back of the product; null: none. */
  async damage(path: string, bytes: Buffer | string | null): Promise<void> {
    const name = `${this.tree}/files/${path}`;
    if (bytes === null) await this.target.remove(name);
    else await this.target.put(name, Buffer.from(bytes));
  }

  async record(): Promise<TreeRecord> {
    const record = await readTreeRecord(this.target, this.tree);
    if (record === null) throw new Error('there is no copy');
    return record;
  }

  /** Files of the copy by path in the tree. */
  copied(): Promise<Map<string, Buffer>> {
    return filesBelow(this.target, `${this.tree}/files`);
  }
}

export async function filesBelow(
  repository: SourceRepository,
  folder: string,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { path, read } of entriesBelow(repository, folder))
    files.set(path, await read());
  return files;
}

interface EntryBelow {
  /** From the folder. */
  readonly path: string;
  readonly read: () => Promise<Buffer>;
}

/** Files at any depth, read when that is asked for. */
export async function* entriesBelow(
  repository: SourceRepository,
  folder: string,
  prefix = '',
): AsyncGenerator<EntryBelow> {
  for (const { name, path, type, stamp } of await repository.list(folder)) {
    if (type === 'folder') {
      yield* entriesBelow(repository, path, `${prefix}${name}/`);
      continue;
    }
    const read = async (): Promise<Buffer> => {
      const file = await repository.openRead(path);
      const bytes = Buffer.alloc(stamp.sizeBytes);
      await file.read(bytes, 0);
      await file.close();
      return bytes;
    };
    yield { path: `${prefix}${name}`, read };
  }
}
