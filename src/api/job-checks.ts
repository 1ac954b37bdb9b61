/** Whether a definition may be stored: the rules of the domain, and those that need the other jobs. */

import type { RepositoryConfig } from '../config/config.js';
import type { CopyJob } from '../domain/copy-job.js';
import { BackupError } from '../domain/errors.js';
import { jobFaults, type JobFault } from '../domain/job-rules.js';
import type { JobDefinition } from './job-schemas.js';
import type { JobStore } from './job-store.js';

/** Jobs that start one another; a longer row is a mistake. */
const LONGEST_JOB_CHAIN = 100;

/** @throws JOB_RULE_BROKEN with every fault in `details.errors` */
export async function checkRules(
  definition: JobDefinition,
  repositories: readonly RepositoryConfig[],
  jobs: JobStore,
): Promise<void> {
  const job: CopyJob = { ...definition, revision: 1, replaces: null };
  const errors = [...jobFaults(job, repositories), ...(await predecessorFaults(job, jobs))];
  refuseFaults(errors);
}

/** @throws JOB_RULE_BROKEN with all of them */
export function refuseFaults(errors: readonly JobFault[]): void {
  if (errors.length === 0) return;
  const texts = errors.map(({ path, message }) => `${path}: ${message}`);
  throw new BackupError('JOB_RULE_BROKEN', texts.join('; '), { details: { errors } });
}

/** Follows `afterJob` to the first job: every one must exist, and none may be the job itself. */
async function predecessorFaults(job: CopyJob, jobs: JobStore): Promise<JobFault[]> {
  const path = 'schedule.jobId';
  let { schedule } = job;
  for (let length = 0; schedule.type === 'afterJob'; length += 1) {
    const { jobId } = schedule;
    if (jobId === job.id) {
      // The plain case is a rule of the domain already.
      return length === 0 ? [] : [{ path, message: 'the jobs would start one another for ever' }];
    }
    const next = await jobs.definition(jobId).catch(missingJob);
    if (next === null) return length === 0 ? [{ path, message: `there is no job ${jobId}` }] : [];
    if (length === LONGEST_JOB_CHAIN) {
      return [{ path, message: `more than ${LONGEST_JOB_CHAIN} jobs start one another` }];
    }
    schedule = next.schedule;
  }
  return [];
}

function missingJob(error: unknown): null {
  if (error instanceof BackupError && error.code === 'JOB_MISSING') return null;
  throw error;
}
