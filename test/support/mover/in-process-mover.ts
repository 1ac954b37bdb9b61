import { chainFolder, stagingFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../src/domain/copy-job.js';
import { stagedPath } from '../../../src/mover/staging/copy-plan.js';
import type { ChangeInput } from '../../../src/mover/change/change-points.js';
import type { GfsFlag } from '../../../src/domain/target-point.js';
import type { MergeInput } from '../../../src/mover/change/merge-increment.js';
import { openCopyWindows } from '../../../src/mover/staging/copy-cursor.js';
import { openWindows } from '../../../src/mover/staging/disk-work.js';
import type { DiskWork } from '../../../src/domain/disk-work.js';
import {
  threadOperation,
  windowOperation,
  type OperationInput,
  type OperationOutput,
  type ThreadOperation,
  type WindowInput,
  type WindowOperation,
} from '../../../src/mover/mover-operations.js';
import { replacementStaging } from '../../../src/mover/change/replace-files.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { runWindowLoop, WindowRange } from '../../../src/mover/task/window-loop.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';

/** The data mover's operations in this thread, over whatever repositories a test has. */
export class InProcessMover {
  private readonly repositories: Map<string, BackupRepository>;
  /** Operation of the data mover in work, or the last one that was. */
  step = '';

  constructor(...repositories: BackupRepository[]) {
    this.repositories = new Map(repositories.map((repository) => [repository.id, repository]));
  }

  context(control = new TaskControl()) {
    return {
      control,
      repository: (id: string) => {
        const repository = this.repositories.get(id);
        if (repository === undefined) throw new Error(`the test has no repository ${id}`);
        return Promise.resolve(repository);
      },
    };
  }

  async run<N extends ThreadOperation>(
    name: N,
    input: OperationInput<N>,
  ): Promise<OperationOutput<N>> {
    this.step = name;
    return (await threadOperation(name)(this.context(), input)) as OperationOutput<N>;
  }

  async runWindows<N extends WindowOperation>(
    name: N,
    input: WindowInput<N>,
    windows: readonly number[],
  ): Promise<TaskControl> {
    const context = this.context();
    this.step = name;
    await runWindowLoop(context, new WindowRange(windows), () =>
      windowOperation(name)(context, input),
    );
    return context.control;
  }

  async chain(job: CopyOrder): Promise<ChainRecord> {
    const target = this.repositories.get(job.targetRepositoryId)!;
    return (await readChainRecord(target, chainFolder(job.jobId, job.workload.id)))!;
  }

  /** What the workflow `copyWorkload` does, step by step, until there is nothing to copy; returns the ids of the committed points. */
  async copy(order: CopyOrder): Promise<string[]> {
    const chain = chainFolder(order.jobId, order.workload.id);
    const ids = {
      targetRepositoryId: order.targetRepositoryId,
      sourceRepositoryId: order.sourceRepositoryId,
      workloadId: order.workload.id,
      chain,
    };
    const { record } = await this.run('inspectTargetChain', { ...ids, nowMs: 0, ...order });
    const { epoch } = record;
    const before = availablePoints(record).map(({ id }) => id);
    for (let round = 0; ; round++) {
      const detection = await this.run('detectChain', { ...ids, epoch });
      const selection = await this.run('selectWork', {
        ...ids,
        epoch,
        job: order.job ?? { mode: 'periodic', gfs: null, timeZone: 'UTC' },
        scope: order.restorePoints,
        activeFull: order.activeFull === true && round === 0,
        detection,
      });
      if (selection.points.length === 0) break;
      const copiedAt = order.copiedAt ?? '2026-11-24T22:00:00.000Z';
      for (const point of selection.points) await this.copyPoint(ids, epoch, point, copiedAt);
      if (order.restorePoints === 'latest') break;
    }
    const after = availablePoints(await this.chain(order)).map(({ id }) => id);
    return after.filter((id) => !before.includes(id));
  }

  /** What `maintainChain` does after the copy: GFS fulls, then retention. @returns the warnings of the last plan */
  async maintain(
    order: ChainOrder,
    job: Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'>,
    nowMs: number,
    immutableForDays = 0,
  ): Promise<readonly string[]> {
    const place = await this.take(order, nowMs);
    const plan = async () => this.run('planMaintenance', { ...place, job, immutableForDays });
    const first = await plan();
    for (const { restorePointId, flags, synthesize } of first.fulls) {
      if (synthesize) await this.makeFull(place, restorePointId, flags);
      else await this.run('flagRestorePoint', { ...place, pointId: restorePointId, flags });
    }
    const { actions, warnings } = first.fulls.length === 0 ? first : await plan();
    for (const action of actions) {
      if (action.type === 'synthetic') await this.makeFull(place, action.restorePointId, []);
      else if (action.type === 'delete')
        await this.run('deleteRestorePoints', { ...place, ids: action.ids });
      else await this.merge(place, action.fullId, action.incrementId);
    }
    return warnings;
  }

  /** Builds a full of any point, a compact one of a full. */
  async compact(order: ChainOrder, pointId: string, nowMs: number): Promise<void> {
    await this.makeFull(await this.take(order, nowMs), pointId, []);
  }

  async delete(order: ChainOrder, ids: readonly string[], nowMs: number): Promise<void> {
    await this.run('deleteRestorePoints', { ...(await this.take(order, nowMs)), ids });
  }

  private async take(order: ChainOrder, nowMs: number): Promise<ChangeInput> {
    const chain = chainFolder(order.jobId, order.workload.id);
    const { record } = await this.run('inspectTargetChain', { ...order, chain, nowMs });
    return { targetRepositoryId: order.targetRepositoryId, chain, epoch: record.epoch, nowMs };
  }

  /** What the activity `mergeIncrement` does. @returns why it was refused; null: it is merged */
  async mergeIncrement(input: MergeInput): Promise<string | null> {
    const plan = await this.run('prepareMerge', input);
    if (plan.state === 'refused') return plan.reason;
    if (plan.state === 'merged') return null;
    for (const proof of plan.proofs) {
      const windows = Array.from({ length: proof.windowCount }, (_, i) => i);
      const { targetRepositoryId } = input;
      await this.runWindows('proveBlocks', { targetRepositoryId, ...proof }, windows);
    }
    await this.run('mergeIncrement', input);
    return null;
  }

  private async merge(place: ChangeInput, fullId: string, incrementId: string): Promise<void> {
    if ((await this.mergeIncrement({ ...place, fullId, incrementId })) === null) return;
    await this.makeFull(place, incrementId, []);
    await this.run('deleteRestorePoints', { ...place, ids: [fullId] });
  }

  private async makeFull(
    place: ChangeInput,
    pointId: string,
    flags: readonly GfsFlag[],
  ): Promise<void> {
    const { reference, disks } = await this.run('planSyntheticFull', { ...place, pointId });
    const staging = replacementStaging(place.chain, pointId);
    const work = { targetRepositoryId: place.targetRepositoryId, staging, reference };
    for (const disk of disks) await this.doCopyWindows(work, disk);
    await this.run('composeTargetFile', work);
    await this.run('replaceWithFull', { ...place, pointId, reference, flags });
  }

  private async copyPoint(
    ids: {
      targetRepositoryId: string;
      sourceRepositoryId: string;
      workloadId: string;
      chain: string;
    },
    epoch: number,
    point: Pick<
      OperationInput<'planCopy'>,
      'restorePointId' | 'algorithm' | 'changedBy' | 'lineageFrom'
    >,
    copiedAt: string,
  ): Promise<void> {
    const input = { ...ids, epoch, ...point, digest: 'sha256' as const };
    let plan = await this.run('planCopy', input);
    const staging = stagingFolder(ids.chain, plan.pointId);
    const work = { targetRepositoryId: ids.targetRepositoryId, staging, reference: plan.reference };
    if (plan.state === 'scan') {
      for (const disk of plan.disks) await this.doScanWindows(work, disk);
      plan = await this.run('planCopy', input);
    }
    if (plan.state === 'scan') throw new Error('the scan is finished, but planned again');
    for (const disk of plan.disks) await this.doCopyWindows(work, disk);
    await this.run('composeTargetFile', work);
    await this.run('commitRestorePoint', {
      ...work,
      chain: ids.chain,
      pointId: plan.pointId,
      flags: [],
      copiedAt,
    });
  }

  private async doScanWindows(work: Work, { disk, windowCount }: DiskWork): Promise<void> {
    const target = this.repositories.get(work.targetRepositoryId)!;
    const cursorPath = stagedPath.scanCursor(work.staging, disk);
    const windows = await openWindows(target, cursorPath, 0, windowCount);
    await this.runWindows('scanBlocks', { ...work, disk }, windows);
  }

  private async doCopyWindows(work: Work, disk: DiskWork): Promise<void> {
    const target = this.repositories.get(work.targetRepositoryId)!;
    const slots = { disk: disk.disk, slotCount: disk.blockCount };
    const windows = await openCopyWindows(target, work.staging, slots, 0, disk.windowCount);
    await this.runWindows('copyBlocks', { ...work, disk: disk.disk }, windows);
  }
}

type Work = Omit<WindowInput<'copyBlocks'>, 'disk'>;

export interface ChainOrder {
  readonly jobId: string;
  readonly owner: string;
  readonly workload: { id: string; name: string; type: 'libvirt-kvm' | 'olvm-rhv' };
  readonly targetRepositoryId: string;
}

export interface CopyOrder extends ChainOrder {
  readonly sourceRepositoryId: string;
  readonly restorePoints: 'latest' | 'all';
  readonly activeFull?: boolean;
  /** Time of the commits; RFC 3339 UTC. */
  readonly copiedAt?: string;
  readonly job?: Pick<CopyJob, 'mode' | 'gfs' | 'timeZone'>;
}
