/** Jobs that start after another one, and never do when that never starts. Pure. */

import type { SafetyProblems } from './problem-groups.js';
import type { SafetyFacts } from './safety-facts.js';

export function predecessorProblems(
  { jobs, unreadJobs, unreadLists }: Pick<SafetyFacts, 'jobs' | 'unreadJobs' | 'unreadLists'>,
  found: SafetyProblems,
): void {
  const states = new Map(jobs.map(({ job, state }) => [job.id, state]));
  const unread = new Set(unreadJobs.map(({ id }) => id));
  const isEveryJobListed = unreadLists.every(({ path }) => path !== 'jobs');
  for (const { job, state } of jobs) {
    if (state === 'disabled' || job.mode === 'immediate' || job.schedule.type !== 'afterJob')
      continue;
    const { jobId } = job.schedule;
    const first = states.get(jobId);
    const isGone = first === undefined && !unread.has(jobId) && isEveryJobListed;
    if (!isGone && first !== 'disabled') continue;
    found.add('JOB_FOLLOWS_NONE', {
      jobId: job.id,
      text: () =>
        `job ${job.name} starts after job ${jobId}, which is ${isGone ? 'gone' : 'disabled'}`,
    });
  }
}
