/** Whether a definition may be stored: the rules of the domain, and those that need the other jobs. */

import type { RepositoryConfig } from '../../config/config.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { jobFaults, type JobFault } from '../../domain/jobs/job-rules.js';
import { pairFaults } from '../../domain/jobs/mirror-job.js';
import { endedByRequest, withoutTiersOf } from '../../domain/retention/ended-gfs.js';
import { workloadRuleFaults, type WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import { namesOfWorkload, type NamedWorkload } from '../../domain/jobs/source-scope.js';
import type { NamedLook } from '../../domain/sources/found-workload.js';
import type { WorkloadFacts } from '../../domain/safety/workload-facts.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import type { JobDefinition, JobRequest } from './job-schemas.js';
import { refuseOtherId } from './job-revision.js';
import type { JobStore } from './job-store.js';
import { withTimeZones } from './job-time-zone.js';

/** Jobs that start one another; a longer row is a mistake. */
const LONGEST_JOB_CHAIN = 100;

/** What is known of everything that a definition names. */
export interface JobSurroundings {
  readonly repositories: readonly RepositoryConfig[];
  readonly jobs: JobStore;
  readonly workloadTypes: readonly WorkloadTypeFacts[];
  /** What the last look into a repository found. */
  readonly seenWorkloads: (repositoryId: string) => readonly WorkloadFacts[] | null;
  /** Looks for what that look has not found. */
  readonly browser: Pick<RepositoryBrowser, 'named'>;
}

/** Of a job that names thousands which nobody has seen yet: each is a look of its own. Of the rest its sessions tell. */
const MOST_LOOKS = 20;

/** @throws JOB_KIND_WRONG, JOB_RULE_BROKEN with every fault in `details.errors` */
export async function checkRules(
  definition: JobDefinition,
  surroundings: JobSurroundings,
): Promise<void> {
  const { repositories, jobs } = surroundings;
  const job: CopyJob = { ...definition, revision: 1, replaces: null };
  refuseFaults([
    ...jobFaults(job, repositories),
    ...(await typeFaults(job, surroundings)),
    ...(await predecessorFaults(job, (id) => jobs.definition(id).catch(missingJob))),
    ...(job.kind === 'mirror' ? pairFaults(job, repositories, await otherJobs(job.id, jobs)) : []),
  ]);
}

/** What a job is to be that is not there yet.
 *  @param timeZone where it names none */
export function newDefinition(body: JobRequest, timeZone: string): JobDefinition {
  const { endedGfs: wanted, ...request } = body;
  const endedGfs = wanted ? withoutTiersOf(body.gfs, wanted) : undefined;
  return { ...withTimeZones(request, timeZone), ...(endedGfs === undefined ? {} : { endedGfs }) };
}

/** Of a job that is not stored yet. No copies are of it, so that a plan finds those that another job has left under its id, as its sessions would. */
const NO_ORIGIN_YET = 'not stored yet';

/** The job that a definition makes, or makes of the one that is there. */
export async function jobToBe(
  body: JobRequest,
  timeZone: string,
  jobs: JobStore,
): Promise<CopyJob> {
  const present = await jobs.definition(body.id).catch(missingJob);
  if (present === null) {
    const rest = { revision: 1, replaces: null, origin: NO_ORIGIN_YET };
    return { ...newDefinition(body, timeZone), ...rest };
  }
  const { revision, replaces, origin } = present;
  const own = { revision, replaces, ...(origin === undefined ? {} : { origin }) };
  return { ...changedDefinition(present, body), ...own };
}

/** What a job becomes by a definition that is sent for it: what kind of job it is stays. @throws REQUEST_INVALID */
export function changedDefinition(present: CopyJob, body: JobRequest): JobDefinition {
  refuseOtherId(body, present);
  const kind = present.kind === undefined ? {} : { kind: present.kind };
  const { endedGfs: _stays, ...definition } = newDefinition(body, present.timeZone);
  const endedGfs = endedByRequest(present, body);
  return { ...definition, ...kind, ...(endedGfs === undefined ? {} : { endedGfs }) };
}

/** @throws what Temporal answers when one cannot be read: a rule that holds for all of them cannot be checked then */
export async function otherJobs(id: string, jobs: JobStore): Promise<CopyJob[]> {
  const { items, unreadable } = await jobs.list();
  const [unread] = unreadable.filter(({ path }) => path === 'jobs');
  if (unread !== undefined) throw new BackupError('TEMPORAL_UNREACHABLE', unread.reason);
  const others = items.filter((item) => item.id !== id);
  const found = await Promise.all(
    others.map(async (item) =>
      item.state === 'unknown' ? jobs.definition(item.id).catch(missingJob) : item,
    ),
  );
  return found.filter((job) => job !== null);
}

/** Rules of the types of backups that its sources were seen to hold, or that are seen now of what it names. What nobody can see is checked by each session. */
async function typeFaults(job: CopyJob, surroundings: JobSurroundings): Promise<JobFault[]> {
  const { repositories, workloadTypes, seenWorkloads } = surroundings;
  const types = new Map(workloadTypes.map((type) => [type.id, type]));
  const faults = new Map<string, JobFault>();
  const faultsOf = workloadRuleFaults(job);
  for (const repositoryId of new Set(job.sources.include.map((entry) => entry.repositoryId))) {
    if (!repositories.some(({ id }) => id === repositoryId)) continue;
    const seen = (seenWorkloads(repositoryId) ?? []).filter(({ is }) => is === 'source');
    const found = await foundNow(job, repositoryId, seen, surroundings);
    for (const workload of [...seen, ...found]) {
      const type = types.get(workload.type);
      if (type === undefined) continue;
      for (const fault of faultsOf(repositoryId, workload, type))
        faults.set(`${fault.path}: ${fault.message}`, fault);
    }
  }
  return [...faults.values()];
}

/** What the job names in a repository and the last look has not found: it may have come since, or nobody has looked. */
async function foundNow(
  { sources }: CopyJob,
  repositoryId: string,
  seen: readonly NamedWorkload[],
  { browser }: Pick<JobSurroundings, 'browser'>,
): Promise<NamedLook['found']> {
  const known = new Set(seen.flatMap(namesOfWorkload));
  const named = sources.include
    .filter((entry) => entry.repositoryId === repositoryId)
    .flatMap(({ workloads = [] }) => workloads);
  const unseen = [...new Set(named)].filter((name) => !known.has(name)).slice(0, MOST_LOOKS);
  const looks = unseen.map((name) => browser.named(repositoryId, name));
  return (await Promise.all(looks)).flatMap((look) => look?.found ?? []);
}

/** @throws JOB_KIND_WRONG, JOB_RULE_BROKEN with all of them */
export function refuseFaults(faults: readonly JobFault[]): void {
  if (faults.length === 0) return;
  const isOfOtherKind = faults.some((fault) => fault.isOfOtherKind === true);
  const errors = faults.map(({ path, message }) => ({ path, message }));
  const texts = errors.map(({ path, message }) => `${path}: ${message}`);
  throw new BackupError(isOfOtherKind ? 'JOB_KIND_WRONG' : 'JOB_RULE_BROKEN', texts.join('; '), {
    details: { errors },
  });
}

/** Follows `afterJob` to the first job: every one must exist, and none may be the job itself.
 *  @param definitionOf null: there is no such job */
export async function predecessorFaults(
  job: Pick<CopyJob, 'id' | 'schedule'>,
  definitionOf: (jobId: string) => Promise<Pick<CopyJob, 'schedule'> | null>,
): Promise<JobFault[]> {
  const path = 'schedule.jobId';
  let { schedule } = job;
  for (let length = 0; schedule.type === 'afterJob'; length += 1) {
    const { jobId } = schedule;
    if (jobId === job.id) {
      // The plain case is a rule of the domain already.
      return length === 0 ? [] : [{ path, message: 'the jobs would start one another for ever' }];
    }
    const next = await definitionOf(jobId);
    if (next === null) return length === 0 ? [{ path, message: `there is no job ${jobId}` }] : [];
    if (length === LONGEST_JOB_CHAIN) {
      return [{ path, message: `more than ${LONGEST_JOB_CHAIN} jobs start one another` }];
    }
    schedule = next.schedule;
  }
  return [];
}

/** For a definition that may not be there. */
export function missingJob(error: unknown): null {
  if (error instanceof BackupError && error.code === 'JOB_MISSING') return null;
  throw error;
}
