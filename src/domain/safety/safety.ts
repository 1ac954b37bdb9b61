/** Are we safe? One verdict from all that is known, in the same words everywhere: API, command line, metrics, messages. Pure. */

import type { SafetyFacts, Safety } from './safety-facts.js';
import { protectedWorkloads } from './protection.js';
import { safetyProblems } from './safety-problems.js';
import { watchedPlaces } from './uncopied-places.js';
import { verdictOf } from './safety-verdict.js';

export function safetyOf(facts: SafetyFacts, nowMs: number): Safety {
  const jobs = facts.jobs.map(({ job }) => job);
  // A list of jobs that is old may lack one; their sessions tell nothing of who copies what.
  const isEveryJobRead =
    facts.unreadJobs.length === 0 && facts.unreadLists.every(({ path }) => path !== 'jobs');
  const workloads = protectedWorkloads(facts.repositories, jobs, isEveryJobRead, nowMs);
  const uncopied = watchedPlaces(facts.repositories, jobs);
  const problems = safetyProblems(facts, { workloads, uncopied }, nowMs);
  const verdict = verdictOf({ workloads, uncopied }, problems, nowMs);
  return { verdict, problems, workloads, uncopied };
}
