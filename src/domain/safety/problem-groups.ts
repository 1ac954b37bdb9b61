/** Problems grouped by their cause, so that each is told once with all that it concerns. Pure. */

import type { ErrorCode } from '../errors.js';
import type { CopyJob } from '../jobs/copy-job.js';
import { SAFETY_CODES, SEVERITIES, type SafetyCode, type SafetySeverity } from './safety-codes.js';

export interface SafetyProblem {
  /** Names its cause: the same from look to look, whatever it says. */
  readonly key: string;
  readonly code: SafetyCode;
  readonly severity: SafetySeverity;
  /** Epoch milliseconds; null: not known. */
  readonly sinceMs: number | null;
  /** One plain sentence without its end. */
  readonly text: string;
  readonly nextStep: string;
  /** Of the error behind it; null: there is none. */
  readonly errorCode: ErrorCode | null;
  /** null: it is of no single job. */
  readonly jobId: string | null;
  /** All that it concerns, with the file-backup jobs whose copies they are. */
  readonly jobIds: readonly string[];
  /** Whose alone it is: the one job that it concerns, and the file-backup job of which all are copies. Empty: it is of several, or of none. */
  readonly onlyOf: readonly string[];
  readonly repositoryId: string | null;
  readonly sessionId: string | null;
  /** Those that it concerns, the ones that suffer the longest first. */
  readonly workloads: readonly WorkloadName[];
}

export interface WorkloadName {
  readonly repositoryId: string;
  readonly id: string;
  readonly name: string;
}

/** One thing that is wrong, before those of one cause are put together. */
export interface ProblemFinding {
  readonly repositoryId?: string;
  readonly jobId?: string;
  /** Those that it concerns when it is of no single job; absent: all that name its repository. */
  readonly jobs?: readonly string[];
  readonly sessionId?: string | null;
  readonly errorCode?: ErrorCode | null;
  /** Tells apart what has the same code, repository and job and is still another cause. */
  readonly key?: string;
  readonly sinceMs?: number | null;
  readonly workload?: WorkloadName;
  /** Of the first of a group, given all that it concerns. */
  readonly text: (subject: Subject) => string;
}

/** The workloads of a group as the subject of a sentence. */
interface Subject {
  /** `db07`, `db07 and db08`, `db07, db08 and 3 more`. */
  readonly names: string;
  readonly are: 'is' | 'are';
  readonly have: 'has' | 'have';
  readonly count: number;
  readonly sinceMs: number | null;
}

interface Group {
  readonly key: string;
  readonly code: SafetyCode;
  readonly first: ProblemFinding;
  readonly jobs: Set<string>;
  /** null: of no job so far. */
  onlyOf: readonly string[] | null;
  sinceMs: number | null;
  readonly workloads: { readonly workload: WorkloadName; readonly sinceMs: number | null }[];
}

export class SafetyProblems {
  readonly #groups = new Map<string, Group>();
  readonly #concerned: ConcernedJobs;

  constructor(jobs: readonly CopyJob[]) {
    this.#concerned = new ConcernedJobs(jobs);
  }

  add(code: SafetyCode, finding: ProblemFinding): void {
    const { repositoryId, jobId, key, sinceMs = null, workload } = finding;
    const id = JSON.stringify([code, repositoryId, jobId, key]);
    const lists = { jobs: new Set<string>(), onlyOf: null, workloads: [] };
    const empty: Group = { key: id, code, first: finding, sinceMs, ...lists };
    const group = this.#groups.get(id) ?? empty;
    this.#groups.set(id, group);
    for (const concerned of this.#concerned.by(finding)) {
      group.onlyOf = group.onlyOf?.filter((each) => concerned.includes(each)) ?? concerned;
      for (const each of concerned) group.jobs.add(each);
    }
    group.sinceMs = earlier(group.sinceMs, sinceMs);
    if (workload !== undefined) group.workloads.push({ workload, sinceMs });
  }

  /** The gravest first, then the oldest; those whose beginning is not known come last. */
  sorted(): SafetyProblem[] {
    const problems = [...this.#groups.values()].map(problemOf);
    return problems.sort(
      (a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
        (a.sinceMs ?? Infinity) - (b.sinceMs ?? Infinity) ||
        (a.text < b.text ? -1 : 1),
    );
  }
}

/** Whom something concerns: of a repository all jobs that copy from it or to it. */
class ConcernedJobs {
  readonly #byRepository = new Map<string, string[]>();
  /** File-backup jobs, by their copy jobs. */
  readonly #owners = new Map<string, string>();

  constructor(jobs: readonly CopyJob[]) {
    for (const { id, sources, target, fileBackupJobId } of jobs) {
      if (fileBackupJobId !== undefined) this.#owners.set(id, fileBackupJobId);
      const named = [target, ...sources.include].map(({ repositoryId }) => repositoryId);
      for (const repositoryId of new Set(named))
        this.#byRepository.set(repositoryId, [...this.#of(repositoryId), id]);
    }
  }

  /** Each with the file-backup job whose copies it makes. */
  by({ jobId, jobs, repositoryId }: ProblemFinding): (readonly string[])[] {
    const own = jobId === undefined ? (jobs ?? this.#of(repositoryId)) : [jobId];
    return own.map((id) => [id, ...(this.#owners.has(id) ? [this.#owners.get(id)!] : [])]);
  }

  #of(repositoryId: string | undefined): readonly string[] {
    return this.#byRepository.get(repositoryId ?? '') ?? [];
  }
}

function problemOf({ key, code, first, jobs, onlyOf, sinceMs, workloads }: Group): SafetyProblem {
  const { severity, nextStep } = SAFETY_CODES[code];
  const names = workloads
    .toSorted((a, b) => (a.sinceMs ?? Infinity) - (b.sinceMs ?? Infinity))
    .map(({ workload: { repositoryId, id, name } }) => ({ repositoryId, id, name }));
  const subject = subjectOf(
    names.map(({ name }) => name),
    sinceMs,
  );
  return {
    key,
    code,
    severity,
    sinceMs,
    text: first.text(subject),
    nextStep,
    errorCode: first.errorCode ?? null,
    jobId: first.jobId ?? null,
    jobIds: [...jobs].sort(),
    onlyOf: onlyOf ?? [],
    repositoryId: first.repositoryId ?? null,
    sessionId: first.sessionId ?? null,
    workloads: names,
  };
}

function subjectOf(names: readonly string[], sinceMs: number | null): Subject {
  const isOne = names.length === 1;
  return {
    names: namesText(names),
    are: isOne ? 'is' : 'are',
    have: isOne ? 'has' : 'have',
    count: names.length,
    sinceMs,
  };
}

/** Three of them by name. */
export function namesText(names: readonly string[]): string {
  const shown = names.length <= 3 ? names : names.slice(0, 2);
  const rest = names.length - shown.length;
  const last = rest > 0 ? `${String(rest)} more` : shown.at(-1)!;
  const before = rest > 0 ? shown : shown.slice(0, -1);
  return before.length === 0 ? last : `${before.join(', ')} and ${last}`;
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
