/** Problems that are told to nobody for a while: what somebody works at, and what is planned. Pure. */

import { concernedJobs, type ObservedProblem } from './alert-ledger.js';
import type { SafetyCode } from '../safety/safety-codes.js';

/** It ends by itself; what is wrong then is told then. */
export interface Silence {
  readonly id: string;
  /** Only what concerns this job; null: everything. */
  readonly jobId: string | null;
  /** Only problems of this code; null: of every code. */
  readonly code: SafetyCode | null;
  readonly reason: string;
  readonly createdBy: string;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** RFC 3339 UTC. */
  readonly until: string;
}

/** What nobody remembers must not stay silent for good. */
export const MAX_SILENCE_HOURS = 30 * 24;
export const MAX_SILENCES = 100;

/** Those that hold still. */
export function heldSilences(silences: readonly Silence[], nowMs: number): Silence[] {
  return silences.filter(({ until }) => Date.parse(until) > nowMs);
}

/** What concerns another job as well is told: a target that is away is not of one job alone, unless no other uses it. A file-backup job stands for its copies. */
export function isSilenced(
  silences: readonly Silence[],
  problem: Pick<ObservedProblem, 'code' | 'jobId' | 'jobIds' | 'onlyOf'>,
): boolean {
  const { code, jobId } = problem;
  const jobs = concernedJobs(problem);
  const onlyOf = problem.onlyOf ?? (jobs.length === 1 ? jobs : []);
  const isOf = (id: string) => id === jobId || onlyOf.includes(id);
  return silences.some(
    (silence) =>
      (silence.jobId === null || isOf(silence.jobId)) &&
      (silence.code === null || silence.code === code),
  );
}
