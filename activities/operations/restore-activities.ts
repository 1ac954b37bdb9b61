import { chainFolder } from '../../src/chain/chain-paths.js';
import { newLeaseId } from '../../src/chain/leases.js';
import { BackupError } from '../../src/domain/errors.js';
import { partsOfRestorePointKey } from '../../src/domain/targets/repository-view.js';
import type { RestoreFormat } from '../../src/domain/targets/restore-format.js';
import { rawRestoreJournal } from '../../src/mover/staging/journals.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import type { DiskWork, PlanReference } from '../../src/domain/targets/disk-work.js';
import { restoreStaging } from '../../src/domain/targets/staging-id.js';
import type { TreeRestoreWork } from '../../src/domain/trees/tree-damage.js';
import type { PointRestore } from '../../src/mover/restore/point-restore.js';
import { openRestoreRuns } from '../../src/mover/tree/restore/restore-tree.js';
import { readTreeRecord } from '../../src/tree/tree-store.js';
import { folderRepositoryId } from '../../src/repository/open-repository.js';
import { copiedOf, openIn, openOfCopy, runBatch } from '../task/block-activities.js';
import type { BatchCounts } from '../payloads/chain-payloads.js';
import type { RestoredTree } from '../payloads/tree-payloads.js';
import { nowSince, whileLeased } from '../running/reader-lease.js';
import { assertHoldsNoRepository, intoFolder, makeRestoreFolder } from './restore-folder.js';
import { runTask } from '../running/run-task.js';

/** A restore as the workflow names it. */
export interface RestoreOrder {
  readonly repositoryId: string;
  /** `restorePointKey` of job, workload and point. */
  readonly restorePointId: string;
  readonly destinationPath: string;
  readonly format: RestoreFormat;
  /** null: all. */
  readonly disks: readonly string[] | null;
  readonly layout: boolean;
  /** Whether the folder may hold other files. */
  readonly intoExisting: boolean;
  /** The same in every attempt: what one that died has planned must not count as another's. null: a build before has ordered it, and `prepareRestore` makes one. */
  readonly leaseId: string | null;
}

interface PrepareRequest {
  readonly order: RestoreOrder;
  readonly nowMs: number;
  /** `PointRestore.isChangeStuck`; absent: false. */
  readonly isChangeStuck?: boolean;
}

interface RestoreBatch {
  readonly order: RestoreOrder;
  readonly reference: PlanReference;
  readonly disk: string;
  readonly firstWindow: number;
  readonly windowCount: number;
  /** Now, in epoch milliseconds: the lease on the point is renewed with each batch. */
  readonly nowMs: number;
}

/** A restore of disks whose windows are done. */
interface FinishRequest {
  readonly order: RestoreOrder;
  readonly reference: PlanReference;
  readonly nowMs: number;
  /** Whether `endRestore` follows; absent: no. */
  readonly endsApart?: boolean;
}

/** A restore of a tree that was prepared. */
export interface PreparedTree extends Pick<TreeRestoreWork, 'token'> {
  readonly order: RestoreOrder;
  /** As of `RestoreBatch`. */
  readonly nowMs: number;
}

interface TreeRestoreBatch extends PreparedTree {
  readonly firstWindow: number;
  readonly windowCount: number;
}

/** Of a machine its disks, of a tree its files. */
export type PreparedRestore =
  PreparedDisks | { readonly leaseId: string; readonly tree: TreeRestoreWork };

export interface PreparedDisks {
  readonly leaseId: string;
  readonly tree?: never;
  readonly reference: PlanReference;
  readonly disks: DiskWork[];
  /** Why there is no lease on what is read; null, and absent in answers of before: there is one. */
  readonly unleased?: string | null;
}

/** Steps of a restore into a folder of the worker's machine. Each goes on where it was stopped. */
export function createRestoreActivities(deps: {
  readonly mover: DataMover;
  /** Roots of the configured repositories: a restore never writes into one. */
  readonly repositoryFolders: readonly string[];
}) {
  const { mover, repositoryFolders } = deps;
  return {
    ...createTreeRestoreActivities(mover),
    ...createDiskRestoreActivities(mover),
    async prepareRestore(input: PrepareRequest): Promise<PreparedRestore> {
      return runTask(async (control) => {
        await makeDestination(input.order, repositoryFolders);
        const leaseId = input.order.leaseId ?? newLeaseId();
        const restore = pointRestore({ ...input.order, leaseId }, input.nowMs);
        const copy = await mover.source(restore.repositoryId);
        if ((await readTreeRecord(copy, restore.chain)) !== null) {
          assertWholeTree(input.order);
          await assertHoldsNoRepository(input.order.destinationPath, repositoryFolders);
          return intoFolder(restore.destinationPath, async () => ({
            leaseId,
            tree: await mover.run('prepareTreeRestore', restore, control),
          }));
        }
        const { isChangeStuck = false } = input;
        const prepare = { ...restore, isChangeStuck };
        return intoFolder(restore.destinationPath, async () => ({
          leaseId,
          ...(await mover.run('prepareRestore', prepare, control)),
        }));
      });
    },
  };
}

/** Work on a point that a restore holds. */
function leasing(mover: DataMover) {
  return (
    restore: PointRestore,
    orderedAtMs: number,
    control: TaskControl,
    work: () => Promise<void>,
  ): Promise<void> => {
    const renew = (nowMs: number) => mover.run('renewLease', { ...restore, nowMs }, control);
    const { destinationPath } = restore;
    return whileLeased(orderedAtMs, control, renew, () => intoFolder(destinationPath, work));
  };
}

function createDiskRestoreActivities(mover: DataMover) {
  const leased = leasing(mover);
  return {
    async restoreBlocks(batch: RestoreBatch): Promise<BatchCounts> {
      const { order, reference, disk } = batch;
      const restore = pointRestore(order, batch.nowMs);
      const staging = restoreStaging(restore.pointId);
      const targetRepositoryId = folderRepositoryId(order.destinationPath);
      const input = { targetRepositoryId, staging, reference, disk };
      const isRaw = order.format === 'raw';
      const journal = rawRestoreJournal(staging, disk, reference.token);
      const findOpen = isRaw
        ? openIn(journal, batch)
        : openOfCopy(mover, { ...batch, targetRepositoryId, staging });
      const onDisk = { ...batch, targetRepositoryId };
      return runBatch(
        mover,
        onDisk,
        findOpen,
        (windows, control) =>
          leased(restore, batch.nowMs, control, () =>
            mover.runWindows(isRaw ? 'restoreRaw' : 'copyBlocks', input, windows, control),
          ),
        isRaw ? undefined : copiedOf(batch, staging),
      );
    },

    /** Gives the restored disks their names. */
    async finishRestore(input: FinishRequest): Promise<{ files: string[] }> {
      return runTask(async (control) => {
        const restore = pointRestore(input.order, input.nowMs);
        const targetRepositoryId = folderRepositoryId(restore.destinationPath);
        const { reference, endsApart = false } = input;
        const staged = { targetRepositoryId, staging: restoreStaging(restore.pointId), reference };
        const compose = () => mover.run('composeTargetFile', staged, control).then(() => undefined);
        // It reads the companions.
        if (restore.format !== 'raw') await leased(restore, input.nowMs, control, compose);
        return intoFolder(restore.destinationPath, () =>
          mover.run('finishRestore', { ...restore, reference, endsApart }, control),
        );
      });
    },

    /** Of a restore that was stopped or failed, also of a tree. */
    async giveLeaseBack({ order, nowMs }: PrepareRequest): Promise<void> {
      const restore = pointRestore(order, nowMs);
      return runTask((control) => mover.run('giveLeaseBack', restore, control));
    },

    /** Takes staging folder and lease away. */
    async endRestore(input: FinishRequest): Promise<void> {
      const restore = { ...pointRestore(input.order, input.nowMs), reference: input.reference };
      return runTask((control) => mover.run('endRestore', restore, control));
    },
  };
}

function createTreeRestoreActivities(mover: DataMover) {
  const leased = leasing(mover);
  return {
    /** Restores files of a tree, or parts of large ones. Windows that are done are left alone. */
    async restoreFiles(batch: TreeRestoreBatch): Promise<BatchCounts> {
      const { order } = batch;
      const restore = preparedTree(batch);
      const targetRepositoryId = folderRepositoryId(order.destinationPath);
      return runBatch(
        mover,
        { ...batch, targetRepositoryId },
        async (target) =>
          openRestoreRuns(await target(), restore, batch.firstWindow, batch.windowCount),
        (windows, control) =>
          leased(restore, batch.nowMs, control, () =>
            mover.runWindows('restoreFiles', restore, windows, control),
          ),
      );
    },

    /** Gives the restored files of a tree their names. */
    async finishTreeRestore(input: PreparedTree): Promise<RestoredTree> {
      const restore = preparedTree(input);
      return runTask((control) =>
        intoFolder(restore.destinationPath, () => mover.run('finishTreeRestore', restore, control)),
      );
    },

    /** Takes staging folder and lease of the restore of a tree away. */
    async endTreeRestore(input: PreparedTree): Promise<void> {
      const restore = preparedTree(input);
      return runTask((control) => mover.run('endTreeRestore', restore, control));
    },
  };
}

export type RestoreActivities = ReturnType<typeof createRestoreActivities>;

function preparedTree({ order, nowMs, token }: PreparedTree) {
  return { ...pointRestore(order, nowMs), ...(token === undefined ? {} : { token }) };
}

function pointRestore(order: RestoreOrder, orderedAtMs: number): PointRestore {
  const [jobId, workloadId, pointId] = partsOfRestorePointKey(order.restorePointId);
  if (jobId === undefined || workloadId === undefined || pointId === undefined)
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `${order.restorePointId} does not name a copy: only what Longhaul has copied can be restored by it`,
    );
  return {
    ...order,
    chain: chainFolder(jobId, workloadId),
    pointId,
    leaseId: order.leaseId ?? '',
    nowMs: nowSince(orderedAtMs),
  };
}

/** @throws REQUEST_INVALID */
function assertWholeTree({ format, disks }: RestoreOrder): void {
  if (format === 'same' && disks === null) return;
  throw new BackupError(
    'REQUEST_INVALID',
    `a tree of files has no disks${format === 'same' ? '' : ', and no other format than its own'}`,
    { hint: 'Leave --disk and --format out.' },
  );
}

async function makeDestination(
  { destinationPath, layout }: RestoreOrder,
  repositoryFolders: readonly string[],
): Promise<void> {
  await makeRestoreFolder(destinationPath, repositoryFolders);
  if (layout) await assertHoldsNoRepository(destinationPath, repositoryFolders);
}
