/** What is wrong, grouped by its cause: one target that is away is one problem, however many workloads it has. Pure. */

import { utcDay, utcText } from '../schedules/calendar-date.js';
import { DAY_MS, elapsedText } from '../elapsed.js';
import { lateCheckMs } from './late-checks.js';
import { clockProblems } from './clock-problems.js';
import { fileBackupProblems } from './file-backup-problems.js';
import { predecessorProblems } from './predecessors.js';
import type { Copies, FoundChain, ProtectedWorkload, RepositoryFacts } from './protection.js';
import { SafetyProblems, type ProblemFinding, type SafetyProblem } from './problem-groups.js';
import type { RpoReason } from './rpo.js';
import type { SafetyCode } from './safety-codes.js';
import { causesText } from '../sessions/session-causes.js';
import type { JobFacts, Safety, SafetyFacts } from './safety-facts.js';
import { sightOf, type Sight } from './sight.js';
import { sourceProblem } from './source-problem.js';
import { isGrave, placesText, type WatchedPlace, type WatchedPlaces } from './uncopied-places.js';

/** The gravest first, then the oldest. */
export function safetyProblems(
  facts: SafetyFacts,
  { workloads, uncopied }: Pick<Safety, 'workloads' | 'uncopied'>,
  nowMs: number,
): SafetyProblem[] {
  const found = new SafetyProblems(facts.jobs.map(({ job }) => job));
  for (const repository of facts.repositories) {
    repositoryProblems(repository, found);
    roomProblems(repository, nowMs, found);
  }
  uncopiedProblems(uncopied, found);
  for (const { id, reason } of facts.unreadJobs)
    found.add('JOB_UNREAD', { jobId: id, text: () => `job ${id} could not be read: ${reason}` });
  const everyJob = facts.jobs.map(({ job }) => job.id);
  for (const { path, code, reason } of facts.unreadLists)
    found.add('JOB_UNREAD', {
      ...{ key: path, jobs: everyJob, errorCode: code },
      text: () => reason,
    });
  channelProblems(facts, found);
  for (const job of facts.jobs) {
    jobProblems(job, found);
    repositoriesOfJob(job, facts.repositories, found);
  }
  predecessorProblems(facts, found);
  for (const job of facts.fileBackups) fileBackupProblems(job, found);
  const jobs = new Map(facts.jobs.map((job) => [job.job.id, job]));
  const known = new Map(facts.repositories.map((each) => [each.id, each]));
  const sightOfId = (id: string) => sightOf(known.get(id));
  const unread = new Set(facts.unreadJobs.map(({ id }) => id));
  for (const workload of workloads) {
    workloadProblems(workload, found);
    for (const leftover of workload.leftovers)
      if (unread.has(leftover.chain.jobId)) keptProblems(workload, leftover, found);
      else leftoverProblems(workload, leftover, found);
    for (const copies of workload.copies) {
      chainProblems(workload, copies, found);
      clockProblems(workload, copies, { nowMs, found });
      const job = jobs.get(copies.job.id);
      if (job === undefined) continue;
      rpoProblems({ workload, copies, job, sightOfId, nowMs }, found);
      checkProblems({ workload, copies, job, nowMs }, found);
    }
  }
  return found.sorted();
}

function channelProblems(
  { failingChannels, unreadDeliveries, unknownChannelJobs }: SafetyFacts,
  found: SafetyProblems,
): void {
  for (const { channelId, jobId } of unknownChannelJobs)
    found.add('CHANNEL_JOB_MISSING', {
      key: channelId,
      text: () => `notification channel ${channelId} is for job ${jobId}, and there is none`,
    });
  for (const { id, sinceMs } of failingChannels) {
    const text = () => `notification channel ${id} takes nothing`;
    found.add('CHANNEL_FAILED', { key: id, sinceMs, text });
  }
  if (unreadDeliveries !== null)
    found.add('CHANNELS_UNREAD', {
      text: () => `it is not known what the notification channels took: ${unreadDeliveries}`,
    });
}

function repositoryProblems(repository: RepositoryFacts, found: SafetyProblems): void {
  const { id, role, awaySinceMs, code, reason, seenAtMs, storageFaults, unreadable } = repository;
  const repositoryId = id;
  if (awaySinceMs !== null) {
    const text = `${role === 'target' ? 'target' : 'source'} ${id} cannot be looked at: ${reason ?? 'no answer'}`;
    found.add('REPOSITORY_AWAY', {
      repositoryId,
      sinceMs: awaySinceMs,
      errorCode: code,
      text: () => text,
    });
  } else if (seenAtMs === null) {
    const { firstLookSinceMs: sinceMs = null } = repository;
    const state = sinceMs === null ? 'has not been looked at yet' : 'is still being looked at';
    found.add('NOT_LOOKED_AT', { repositoryId, sinceMs, text: () => `${id} ${state}` });
  }
  for (const fault of storageFaults)
    found.add('REPOSITORY_UNFIT', {
      repositoryId,
      key: fault,
      text: () => `target ${id}: ${fault}`,
    });
  for (const part of unreadable)
    found.add('PART_UNREADABLE', {
      repositoryId,
      key: part.path,
      errorCode: part.code,
      text: () => `${id}: ${part.reason}`,
    });
}

/** One for each repository and severity, however many places there are. */
function uncopiedProblems({ places }: WatchedPlaces, found: SafetyProblems): void {
  const byCause = new Map<string, WatchedPlace[]>();
  for (const place of places) {
    const cause = JSON.stringify([place.repositoryId, isGrave(place)]);
    byCause.set(cause, [...(byCause.get(cause) ?? []), place]);
  }
  for (const [first, ...others] of byCause.values()) {
    const { repositoryId, reason } = first!;
    const names = placesText({ places: [first!, ...others], omittedCount: 0 })!;
    const isUnread = [first!, ...others].some((place) => place.isUnread === true);
    found.add(isGrave(first!) ? 'PLACE_NOT_COPIED' : 'FILES_NOT_COPIED', {
      repositoryId,
      ...(isUnread ? { errorCode: 'SOURCE_PART_UNREADABLE' as const } : {}),
      text: () => `not copied: ${names}${others.length > 0 ? '; of the first,' : ':'} ${reason}`,
    });
  }
}

const FULL_SOON_MS = 30 * DAY_MS;

/** By its day, which is all that is known, and so that the text stays the same while it does. */
function roomProblems(
  { id: repositoryId, fullAtMs }: RepositoryFacts,
  nowMs: number,
  found: SafetyProblems,
): void {
  if (fullAtMs === null || fullAtMs - nowMs > FULL_SOON_MS) return;
  const day = utcDay(fullAtMs);
  found.add('REPOSITORY_FILLS', {
    repositoryId,
    text: () => `target ${repositoryId} is full about ${day} at the pace of its last weeks`,
  });
}

function jobProblems(
  { job, state, missedStartAtMs, fault, undecidedSessionId }: JobFacts,
  found: SafetyProblems,
): void {
  const jobId = job.id;
  if (state === 'disabled')
    found.add('JOB_DISABLED', { jobId, text: () => `job ${job.name} is disabled` });
  if (state === 'actionRequired')
    found.add('JOB_NEEDS_DECISION', {
      jobId,
      sessionId: undecidedSessionId,
      text: () =>
        `job ${job.name} waits for a decision: a chain of its source was made anew, or a source or a copy looks wiped`,
    });
  if (missedStartAtMs !== null)
    found.add('JOB_NOT_STARTED', {
      jobId,
      sinceMs: missedStartAtMs,
      text: () => `job ${job.name} did not start at ${utcText(missedStartAtMs)}`,
    });
  if (fault !== null) {
    const causes = causesText(fault.causes ?? []);
    // Some of it may be made good since.
    const why = causes === null ? '' : ` (then ${causes})`;
    found.add('JOB_FAILED', {
      jobId,
      sinceMs: fault.startedAtMs,
      sessionId: fault.sessionId,
      text: () =>
        `a session of job ${job.name} ended with ${fault.result}${why}, and none since was better`,
    });
  }
}

function repositoriesOfJob(
  { job }: JobFacts,
  repositories: readonly RepositoryFacts[],
  found: SafetyProblems,
): void {
  const sources = job.sources.include.map(({ repositoryId }) => repositoryId);
  const known = new Map(repositories.map((each) => [each.id, each]));
  for (const repositoryId of new Set([job.target.repositoryId, ...sources]))
    if (!known.has(repositoryId))
      found.add('REPOSITORY_MISSING', {
        repositoryId,
        errorCode: 'REPOSITORY_MISSING',
        text: () => `no repository ${repositoryId} is configured, and job ${job.name} names it`,
      });
  for (const repositoryId of sources) {
    const source = known.get(repositoryId);
    if (source !== undefined && isSeen(source) && source.workloads.length === 0)
      found.add('SOURCE_EMPTY', {
        repositoryId,
        errorCode: 'SOURCE_EMPTY',
        text: () => `source ${repositoryId} shows no workload at all`,
      });
  }
}

function isSeen(repository: RepositoryFacts): boolean {
  return sightOf(repository).state === 'seen';
}

function workloadProblems(workload: ProtectedWorkload, found: SafetyProblems): void {
  const { repositoryId, id, name, source, state } = workload;
  if (source === null) return;
  const problem = sourceProblem(workload);
  if (problem !== null && state !== 'unwatched')
    found.add('WORKLOAD_NOT_COPYABLE', {
      ...{ repositoryId, key: id, jobs: workload.copies.map(({ job }) => job.id) },
      text: () => `${name} cannot be copied: ${problem}`,
      workload,
    });
  if (state === 'unprotected')
    found.add('WORKLOAD_IN_NO_JOB', {
      ...{ repositoryId, jobs: [] },
      sinceMs: source.oldestAt === null ? null : Date.parse(source.oldestAt),
      text: ({ names, are }) => `${names} ${are} in no job`,
      workload,
    });
}

function chainProblems(
  workload: ProtectedWorkload,
  { job, repositoryId, chain, isGone }: Copies,
  found: SafetyProblems,
): void {
  if (chain === null) return;
  keptProblems(workload, { repositoryId, chain }, found);
  if (isGone)
    found.add('WORKLOAD_GONE', {
      jobId: job.id,
      sinceMs: chain.missedSince === null ? null : Date.parse(chain.missedSince),
      text: ({ names, are }) => `${names} of job ${job.name} ${are} not in its sources any more`,
      workload,
    });
}

/** Of copies that a job makes, also one whose definition could not be read. */
function keptProblems(
  workload: ProtectedWorkload,
  { repositoryId, chain: { jobId, damagedCount, neverVerifiedCount } }: FoundChain,
  found: SafetyProblems,
): void {
  const where = { repositoryId, jobs: [jobId] };
  if (damagedCount > 0)
    found.add('COPY_DAMAGED', {
      ...where,
      text: ({ names }) => `restore points of ${names} in ${repositoryId} are damaged`,
      workload,
    });
  if (neverVerifiedCount > 0)
    found.add('COPY_NOT_VERIFIED', {
      ...where,
      text: ({ names }) => `restore points of ${names} in ${repositoryId} were not verified`,
      workload,
    });
}

/** Of copies that no job makes any more nothing is late, and what is damaged in them stays so. */
function leftoverProblems(
  workload: ProtectedWorkload,
  { repositoryId, chain: { jobId, damagedCount, neverVerifiedCount } }: FoundChain,
  found: SafetyProblems,
): void {
  const where = { repositoryId, jobs: [jobId] };
  if (damagedCount > 0)
    found.add('LEFTOVER_DAMAGED', {
      ...where,
      text: ({ names }) =>
        `restore points of ${names} in ${repositoryId} that belong to no job are damaged: what cannot be healed is lost`,
      workload,
    });
  if (neverVerifiedCount > 0)
    found.add('COPY_NOT_VERIFIED', {
      ...{ ...where, key: 'leftovers' },
      text: ({ names }) =>
        `restore points of ${names} in ${repositoryId} that belong to no job were not verified`,
      workload,
    });
}

function checkProblems(
  { workload, copies, job: facts, nowMs }: Omit<Suspect, 'sightOfId'>,
  found: SafetyProblems,
): void {
  const dueMs = lateCheckMs(facts, copies, nowMs);
  if (dueMs === null) return;
  const { job, repositoryId } = copies;
  found.add('HEALTH_CHECK_LATE', {
    ...{ jobId: job.id, repositoryId, sinceMs: dueMs, workload },
    text: ({ names }) =>
      `the health check of job ${job.name} that was due at ${utcText(dueMs)} has not read all restore points of ${names}`,
  });
}

interface Suspect {
  readonly workload: ProtectedWorkload;
  readonly copies: Copies;
  readonly job: JobFacts;
  readonly sightOfId: (repositoryId: string) => Sight;
  readonly nowMs: number;
}

/** A copy that is not well is told with what keeps it from being well: a repository that is away or not configured, or that nobody has looked at, before the
 *  job, before the copy itself. */
function rpoProblems(suspect: Suspect, found: SafetyProblems): void {
  const { workload, copies, job: facts } = suspect;
  const { state, reasons, sinceMs } = copies.status;
  const [reason] = reasons;
  if (state === 'ok' || reason === undefined) return;
  const unseen = reason.code === 'noLimit' ? null : unseenCause(suspect);
  if (unseen !== null) {
    const [code, finding] = unseen;
    found.add(code, { ...finding, workload });
  } else if (state === 'late' && facts.missedStartAtMs !== null) {
    const { missedStartAtMs } = facts;
    const text = () => `job ${facts.job.name} did not start at ${utcText(missedStartAtMs)}`;
    found.add('JOB_NOT_STARTED', { jobId: facts.job.id, sinceMs: missedStartAtMs, workload, text });
  } else {
    const [code, finding] = ownCause(suspect, reason);
    found.add(code, { sinceMs, workload, ...finding });
  }
}

/** null: all that it depends on was seen. What nobody has looked at yet is no cause of what is late already. */
function unseenCause({ copies, sightOfId }: Suspect): [SafetyCode, ProblemFinding] | null {
  const { job, status } = copies;
  const sources = job.sources.include.map(({ repositoryId }) => repositoryId);
  for (const repositoryId of [copies.repositoryId, ...sources]) {
    const { state, sinceMs } = sightOfId(repositoryId);
    if (state === 'notConfigured') {
      const text = () => `no repository ${repositoryId} is configured`;
      return ['REPOSITORY_MISSING', { repositoryId, errorCode: 'REPOSITORY_MISSING', text }];
    }
    if (sinceMs !== null) {
      const text = () => `${repositoryId} cannot be looked at`;
      return ['REPOSITORY_AWAY', { repositoryId, sinceMs, text }];
    }
    if (state === 'never' && status.state === 'unknown') {
      const text = () => `${repositoryId} has not been looked at yet`;
      return ['NOT_LOOKED_AT', { repositoryId, text }];
    }
  }
  return null;
}

function ownCause(
  { workload, copies: { job, status }, nowMs }: Suspect,
  reason: RpoReason,
): [SafetyCode, ProblemFinding] {
  const jobId = job.id;
  if (reason.code === 'noLimit') {
    const text = () => `job ${job.name} does not say how old its copies may become`;
    return ['LIMIT_MISSING', { jobId, text }];
  }
  if (reason.code === 'noRestorePoint') {
    const text: ProblemFinding['text'] = ({ names, have }) =>
      `${names} ${have} no complete restore point that could be copied`;
    return ['SOURCE_WITHOUT_POINT', { jobId, text }];
  }
  if (reason.code === 'noCopy' && status.state === 'unknown') {
    const text: ProblemFinding['text'] = ({ names, have }) =>
      `${names} ${have} no copy by job ${job.name} yet`;
    return ['COPY_MISSING', { jobId, text }];
  }
  if (reason.code === 'sourceStopped') {
    const { repositoryId } = workload;
    const text: ProblemFinding['text'] = ({ names, count }) =>
      count === 1
        ? `${names}: ${reason.text}`
        : `source ${repositoryId} shows no new restore points of ${names}`;
    return ['SOURCE_STOPPED', { repositoryId, jobs: [jobId], text }];
  }
  const text: ProblemFinding['text'] = ({ names, count, sinceMs }) =>
    count === 1
      ? `${names}: ${reason.text}`
      : `${names} of job ${job.name} are late, by up to ${elapsedText(nowMs - (sinceMs ?? nowMs))}`;
  return ['COPY_LATE', { jobId, text }];
}
