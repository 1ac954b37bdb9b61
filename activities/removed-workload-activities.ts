import type { ChainRecord } from '../src/chain/chain-record.js';
import { findOwnChains } from '../src/chain/find-chains.js';
import { isSuspicious, missedLook } from '../src/domain/absence.js';
import type { CopyJob } from '../src/domain/copy-job.js';
import type { WorkloadType } from '../src/domain/restore-point.js';
import { isNamed } from '../src/domain/source-scope.js';
import { absenceStanding, type AbsenceStanding } from '../src/mover/change/note-absence.js';
import type { DataMover } from '../src/mover/data-mover.js';
import type { OperationInput } from '../src/mover/mover-operations.js';
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

/** A source that lacks too many of its workloads at once to be believed. */
export interface DoubtedSource {
  readonly repositoryId: string;
  readonly known: number;
  readonly missing: number;
  /** Names of some that are missing. */
  readonly examples: readonly string[];
}

export interface AbsenceLook {
  readonly doubted: readonly DoubtedSource[];
  /** At most `MAX_ABSENT`, in the order of their ids. */
  readonly workloads: readonly AbsentWorkload[];
  /** Those that are left for a later session. */
  readonly leftOut: number;
}

/** Keeps the answer below 100 KiB, and the children of a session few. */
const MAX_ABSENT = 100;
const MAX_EXAMPLES = 5;

export interface LookForAbsentInput {
  readonly targetRepositoryId: string;
  readonly job: Pick<CopyJob, 'id' | 'sources'>;
  /** Ids of all workloads that the sources show; every source was read. */
  readonly seen: readonly string[];
  readonly afterDays: number;
  readonly nowMs: number;
}

/** What a session has to know and do about workloads that are gone. */
export function createRemovedWorkloadActivities(deps: {
  readonly mover: DataMover;
  /** Days during which a repository changes nothing. */
  readonly immutableForDays: (repositoryId: string) => number;
}) {
  const { mover, immutableForDays } = deps;
  return {
    /** Compares the job's chains with what the sources show. Reads only. */
    async lookForAbsent(input: LookForAbsentInput): Promise<AbsenceLook> {
      return runTask(async () => {
        // A chain whose record cannot be read is left alone.
        const { chains } = await findOwnChains(await mover.repository(input.targetRepositoryId));
        const records = chains.map(({ record }) => record);
        return absenceLook(records, input, immutableForDays(input.targetRepositoryId));
      });
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

function absenceLook(
  records: readonly ChainRecord[],
  { job, seen, afterDays, nowMs }: LookForAbsentInput,
  immutableForDays: number,
): AbsenceLook {
  const shown = new Set(seen);
  const kept = records.filter(({ jobId, points }) => jobId === job.id && points.length > 0);
  const doubted: DoubtedSource[] = [];
  const workloads: AbsentWorkload[] = [];
  // A source that the job has no more was not looked at: what came from there stays.
  for (const repositoryId of new Set(job.sources.include.map((source) => source.repositoryId))) {
    const own = kept.filter(({ points }) => points.at(-1)?.source.repositoryId === repositoryId);
    const doubt = doubtedSource(repositoryId, own, shown, job);
    if (doubt !== null) doubted.push(doubt);
    for (const record of own) {
      const isSeen = shown.has(record.workload.id);
      const { workload, presence } = record;
      if (isSeen ? presence.absence === null : doubt !== null) continue;
      const next = isSeen ? presence : missedLook(presence, nowMs, afterDays);
      const rule = { afterDays, immutableForDays };
      const { state, text } = absenceStanding({ ...record, presence: next }, rule, nowMs);
      const isNews = isSeen || next !== presence || state === 'due';
      workloads.push({ workload, isSeen, standing: { state, text }, isNews });
    }
  }
  workloads.sort((a, b) => (a.workload.id < b.workload.id ? -1 : 1));
  const leftOut = Math.max(0, workloads.length - MAX_ABSENT);
  return { doubted, workloads: workloads.slice(0, MAX_ABSENT), leftOut };
}

/** A workload that the job excludes by name is no surprise when it is missing. */
function doubtedSource(
  repositoryId: string,
  records: readonly ChainRecord[],
  shown: ReadonlySet<string>,
  { sources }: Pick<CopyJob, 'sources'>,
): DoubtedSource | null {
  const excluded = sources.exclude.map(({ workload }) => workload);
  const expected = records.filter(
    ({ workload, presence }) =>
      shown.has(workload.id) || (presence.absence === null && !isNamed(excluded, workload)),
  );
  const missing = expected.filter(({ workload }) => !shown.has(workload.id));
  if (!isSuspicious(expected.length, missing.length)) return null;
  return {
    repositoryId,
    known: expected.length,
    missing: missing.length,
    examples: missing.slice(0, MAX_EXAMPLES).map(({ workload }) => workload.name),
  };
}
