import { executeChild, patched, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  absentWorkloads,
  type AbsentWorkload,
  type DoubtedSource,
  type KeptPage,
  type KeptWorkload,
} from '../../src/domain/retention/absent-workloads.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { KeptAnswers } from '../../src/domain/sessions/kept-answers.js';
import { pathSegment, workloadSegment } from '../../src/domain/targets/path-segment.js';
import type { UnreadablePart } from '../../src/domain/targets/unreadable-part.js';
import {
  absenceActivities,
  listingActivities,
  removedWorkloadActivities,
} from '../activity-profiles.js';
import { isStop, reasonOf } from '../failures.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from '../messages.js';
import { counted } from '../../src/domain/sentences.js';

export interface SettleAbsenceInput {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workload: AbsentWorkload['workload'];
  /** A source shows it again. */
  readonly isSeen: boolean;
  /** Its copy is a tree; absent: a chain. */
  readonly isTree?: boolean;
  readonly afterDays: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
  readonly settings: CopySettings;
}

interface AbsenceOutcome {
  readonly workload: string;
  readonly result: CopyTask['result'];
  /** What was done, what is to come and when, or why not. */
  readonly text: string;
  /** What was found when the chain was taken over. Absent: nothing. */
  readonly notes?: readonly string[];
  /** What of this the chain keeps until the session has written it down. */
  readonly keeps?: KeptAnswers;
}

/** Enters one look into the record of a chain, and deletes all restore points of a workload that is gone for good, as the owner of the
 *  chain (the workflow id is the chain's lock). null: a source shows it again. */
export async function settleAbsence(input: SettleAbsenceInput): Promise<AbsenceOutcome | null> {
  const { targetRepositoryId, jobId, workload, isSeen, afterDays, settings } = input;
  const rule = { afterDays, ...(input.origin === undefined ? {} : { origin: input.origin }) };
  const ids = { targetRepositoryId, jobId, workloadId: workload.id };
  const owner = workflowInfo().firstExecutionRunId;
  if (input.isTree === true) {
    const {
      standing,
      removed,
      notes = [],
    } = await absenceActivities(targetRepositoryId, settings).settleTreeAbsence.executeWithOptions(
      { summary: `${workload.name}: no source shows it` },
      [{ ...ids, ...rule, workload, owner, isSeen, nowMs: Date.now() }],
    );
    if (standing === null) return null;
    const outcome = settledOutcome(workload.name, standing, removed);
    return notes.length === 0
      ? outcome
      : { ...outcome, notes, keeps: { workloadId: workload.id, owner, hasCommit: true } };
  }
  const { epoch, notes } = await listingActivities(
    targetRepositoryId,
    settings,
  ).inspectTargetChain.executeWithOptions({ summary: `${workload.name}: take the chain over` }, [
    { ...ids, workload, owner, nowMs: Date.now(), isSeen, isKept: true },
  ]);
  if (isSeen) return null;
  const { deleted, standing } = await absenceActivities(
    targetRepositoryId,
    settings,
  ).settleAbsence.executeWithOptions({ summary: `${workload.name}: no source shows it` }, [
    { ...ids, ...rule, epoch, nowMs: Date.now() },
  ]);
  const outcome = settledOutcome(workload.name, standing, deleted);
  if (notes.length === 0) return outcome;
  const keeps: KeptAnswers = { workloadId: workload.id, owner, hasTaken: true };
  return { ...outcome, notes, keeps };
}

function settledOutcome(
  workload: string,
  standing: AbsentWorkload['standing'],
  deleted: number,
): AbsenceOutcome {
  if (standing.state !== 'due') return outcomeOf(workload, standing);
  // A worker that died when all was deleted leaves nothing for the next one to count.
  const done =
    deleted === 0 ? 'they were deleted' : counted(deleted, 'was deleted', 'were deleted');
  return { workload, result: 'success', text: `${standing.text}: ${done}` };
}

/** Keeps the answers small. */
const PAGE_ABSENT = 100;
/** Keeps the children of a session few; what is left comes first in the next one (`absentWorkloads`). */
const MAX_CHILDREN = 100;

/** Before, a session looked for the first hundred alone. */
const LOOKS_FOR_ALL = 'copySession-20261127-looks-for-all-absent';

/** Looks for workloads of the job that the sources do not show any more, and does what is due.
 *  @param seen ids of all workloads that the sources show; every source was read */
export async function settleAbsentWorkloads(
  job: CopyJob,
  afterDays: number,
  seen: ReadonlySet<string>,
  settings: CopySettings,
  takeOver: boolean | undefined,
): Promise<AbsenceOutcome[]> {
  const targetRepositoryId = job.target.repositoryId;
  const activities = removedWorkloadActivities(targetRepositoryId, settings);
  const origin = job.origin === undefined ? {} : { origin: job.origin };
  const ids = { targetRepositoryId, jobId: job.id, ...origin };
  const kept: KeptWorkload[] = [];
  const unreadable: UnreadablePart[] = [];
  for (let after: string | null = null; ;) {
    const page: KeptPage = await activities.listKeptWorkloads.executeWithOptions(
      { summary: 'list the workloads that are kept' },
      [{ ...ids, takeOver, after }],
    );
    kept.push(...page.workloads);
    unreadable.push(...(page.unreadable ?? []));
    if (page.next === null) break;
    after = page.next;
  }
  const { doubted, workloads } = absentWorkloads(job, kept, seen);
  const outcomes = [...doubted.map(doubtOf), ...unreadableChains(unreadable, job.id, seen)];
  if (workloads.length === 0) return outcomes;
  const looksForAll = patched(LOOKS_FOR_ALL);
  const wanted = looksForAll ? workloads : workloads.slice(0, PAGE_ABSENT);
  let leftOut = workloads.length - wanted.length;
  let children = 0;
  for (let first = 0; first < wanted.length; first += PAGE_ABSENT) {
    const page = wanted.slice(first, first + PAGE_ABSENT);
    const looks = await activities.lookForAbsent.executeWithOptions(
      { summary: 'look for workloads that are gone' },
      [{ ...ids, workloads: page, afterDays, nowMs: Date.now() }],
    );
    for (const { workload, isSeen, standing, isNews, isTree = false } of looks) {
      if (isNews && looksForAll && children === MAX_CHILDREN) {
        leftOut++;
        continue;
      }
      if (isNews) children++;
      const input = { ...ids, workload, isSeen, isTree, afterDays, settings };
      const outcome = isNews ? await settle(input) : outcomeOf(workload.name, standing);
      if (outcome !== null) outcomes.push(outcome);
    }
  }
  if (leftOut > 0)
    outcomes.push({
      workload: `repository ${targetRepositoryId}`,
      result: 'warning',
      text: `${leftOut} more workloads that no source shows are left for a later session`,
    });
  return outcomes;
}

/** Chains that no task of the session names, because no source shows their workloads: left alone until their records are back. */
function unreadableChains(
  parts: readonly UnreadablePart[],
  jobId: string,
  seen: ReadonlySet<string>,
): AbsenceOutcome[] {
  const folders = new Set([...seen].map((id) => `${pathSegment(jobId)}/${workloadSegment(id)}`));
  return parts
    .filter(({ path }) => !folders.has(path))
    .map(({ path, code, reason }) => ({
      workload: path,
      result: 'warning',
      text: `no source shows the workload of this chain, and it cannot be read: ${reason} (${code}); nothing of it is changed`,
    }));
}

async function settle(input: SettleAbsenceInput): Promise<AbsenceOutcome | null> {
  const { targetRepositoryId, jobId, workload, isSeen } = input;
  try {
    return await executeChild(settleAbsence, {
      workflowId: chainWorkflowId(targetRepositoryId, jobId, workload.id),
      taskQueue: CONTROL_TASK_QUEUE,
      staticSummary: `${workload.name}: ${isSeen ? 'a source shows it again' : 'no source shows it'}`,
      args: [input],
    });
  } catch (error) {
    if (isStop(error)) throw error;
    if (isSeen) return null; // the next session sees it, too
    const reason =
      error instanceof WorkflowExecutionAlreadyStartedError
        ? 'its chain is in use'
        : reasonOf(error);
    const text = `no source shows it any more, but that could not be dealt with: ${reason}`;
    return { workload: workload.name, result: 'warning', text };
  }
}

/** Early, it is only told; when the copies are to go soon, the session warns. */
function outcomeOf(workload: string, { state, text }: AbsentWorkload['standing']): AbsenceOutcome {
  return { workload, result: state === 'early' ? 'nothingToCopy' : 'warning', text };
}

function doubtOf({ repositoryId, known, missing, examples }: DoubtedSource): AbsenceOutcome {
  const named = examples.join(', ') + (missing > examples.length ? ', …' : '');
  return {
    workload: `repository ${repositoryId}`,
    result: 'warning',
    text: `it lacks ${missing} of ${known} workloads that the last look showed (${named}): the source is doubted, not they, so nothing of it counts as gone and no copy is deleted; see whether all of it is mounted, or exclude in the job what is gone for good`,
  };
}
