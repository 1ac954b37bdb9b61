import { chainFolder, jobFolder } from '../src/chain/chain-paths.js';
import { chainsIn, walkOwnChains } from '../src/chain/find-chains.js';
import { missedLook } from '../src/domain/absence.js';
import type { KeptWorkload, LookedFor } from '../src/domain/absent-workloads.js';
import type { UnreadablePart } from '../src/domain/repository-view.js';
import type { WorkloadType } from '../src/domain/restore-point.js';
import { jsonBytes } from '../src/domain/task-brief.js';
import { absenceStanding, type AbsenceStanding } from '../src/mover/change/note-absence.js';
import type { DataMover } from '../src/mover/data-mover.js';
import type { OperationInput } from '../src/mover/mover-operations.js';
import type { BackupRepository } from '../src/repository/backup-repository.js';
import { onChain, type OnChain } from './on-chain.js';
import { runTask } from './run-task.js';

/** A workload of the job that no source shows, or that one shows again. */
export interface AbsentWorkload {
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly isSeen: boolean;
  readonly standing: Omit<AbsenceStanding, 'pointIds'>;
  /** The record of its chain has to be written. */
  readonly isNews: boolean;
}

export interface KeptPage {
  readonly workloads: readonly KeptWorkload[];
  /** Chains whose record cannot be read, at most `MAX_UNREADABLE`: whose they are is told by their folder alone. Absent: none. */
  readonly unreadable?: readonly UnreadablePart[];
  /** Folder of the last chain, also of one that cannot be read; null: no others come behind it. */
  readonly next: string | null;
}

/** About 500 bytes each. */
const MAX_UNREADABLE = 100;

export interface LookForAbsentInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloads: readonly LookedFor[];
  readonly afterDays: number;
  readonly nowMs: number;
}

/** An answer may have 2 MiB, and stays in the history. */
const PAGE_BYTES = 500_000;

/** What a session has to know and do about workloads that are gone. */
export function createRemovedWorkloadActivities(deps: {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  const { mover, immutableForDays } = deps;
  return {
    /** Workloads of which the job keeps copies, page by page; a chain whose record cannot be read is left alone and named. Reads only. */
    async listKeptWorkloads(input: {
      targetRepositoryId: string;
      jobId: string;
      after: string | null;
    }): Promise<KeptPage> {
      return runTask(async () =>
        keptPage(await mover.repository(input.targetRepositoryId), input.jobId, input.after),
      );
    },

    /** What is to be done about these workloads. Reads only. */
    async lookForAbsent(input: LookForAbsentInput): Promise<AbsentWorkload[]> {
      const days = immutableForDays(input.targetRepositoryId);
      return runTask(async () =>
        absenceLook(await mover.repository(input.targetRepositoryId), input, days),
      );
    },

    /** Enters the look into the record of the chain; when the workload is gone for good, all its restore points are deleted. */
    async settleAbsence(
      input: OnChain<Omit<OperationInput<'noteAbsence'>, 'immutableForDays'>>,
    ): Promise<{ deleted: number; standing: Omit<AbsenceStanding, 'pointIds'> }> {
      return runTask(async (control) => {
        const place = onChain(input);
        const rule = { ...place, immutableForDays: immutableForDays(input.targetRepositoryId) };
        const { pointIds, ...standing } = await mover.run('noteAbsence', rule, control);
        if (standing.state !== 'due') return { deleted: 0, standing };
        const order = { ...place, ids: pointIds };
        const { deleted } = await mover.run('deleteRestorePoints', order, control);
        return { deleted: deleted.length, standing };
      });
    },
  };
}

export type RemovedWorkloadActivities = ReturnType<typeof createRemovedWorkloadActivities>;

export async function keptPage(
  repository: BackupRepository,
  jobId: string,
  after: string | null,
): Promise<KeptPage> {
  const folder = jobFolder(jobId);
  const isWanted = (path: string) =>
    path === folder || (path.startsWith(`${folder}/`) && (after === null || path > after));
  const workloads: KeptWorkload[] = [];
  let bytes = 0;
  let next: string | null = null;
  const unreadable: UnreadablePart[] = [];
  const page = (last: string | null): KeptPage => ({
    workloads,
    next: last,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  });
  for await (const found of walkOwnChains(repository, isWanted)) {
    if (!('record' in found)) {
      if (unreadable.length === MAX_UNREADABLE) return page(next);
      unreadable.push(found);
      next = found.path;
      continue;
    }
    const newest = found.record.points.at(-1);
    if (newest === undefined) continue;
    const { workload, presence } = found.record;
    const kept = {
      id: workload.id,
      name: workload.name,
      repositoryId: newest.source.repositoryId,
      wasMissed: presence.absence !== null,
    };
    bytes += jsonBytes(kept);
    if (bytes > PAGE_BYTES && workloads.length > 0) return page(next);
    workloads.push(kept);
    next = found.folder;
  }
  return page(null);
}

/** A chain that has gone meanwhile is passed over. */
async function absenceLook(
  repository: BackupRepository,
  { jobId, workloads, afterDays, nowMs }: LookForAbsentInput,
  immutableForDays: number,
): Promise<AbsentWorkload[]> {
  const looks: AbsentWorkload[] = [];
  for (const { id, isSeen } of workloads)
    for (const { record } of await chainsIn(repository, [chainFolder(jobId, id)])) {
      const { workload, presence } = record;
      const next = isSeen ? presence : missedLook(presence, nowMs, afterDays);
      const rule = { afterDays, immutableForDays };
      const { state, text } = absenceStanding({ ...record, presence: next }, rule, nowMs);
      const isNews = isSeen || next !== presence || state === 'due';
      looks.push({ workload, isSeen, standing: { state, text }, isNews });
    }
  return looks;
}
