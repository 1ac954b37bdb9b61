/** What is known of the copies, and what follows from it. */

import type { CopyJob } from '../jobs/copy-job.js';
import type { SessionResult } from '../sessions/copy-session.js';
import type { SessionCause } from '../sessions/session-causes.js';
import type { UnreadablePart } from '../targets/unreadable-part.js';
import type { FailingChannel } from '../notices/channel-health.js';
import type { FileBackupFacts } from './file-backup-problems.js';
import type { ChannelJob } from '../notices/notification-channel.js';
import type { SafetyProblem } from './problem-groups.js';
import type { ProtectedWorkload, RepositoryFacts } from './protection.js';
import type { WatchedPlaces } from './uncopied-places.js';

export interface JobFacts {
  readonly job: CopyJob;
  readonly state: 'enabled' | 'disabled' | 'actionRequired';
  /** When its definition last changed or it was enabled: nothing that was due before was due by this definition. Epoch milliseconds; null: not known. */
  readonly standsSinceMs: number | null;
  /** A start that was due and did not come; epoch milliseconds; null: none. */
  readonly missedStartAtMs: number | null;
  /** The newest session that failed or warned of what no later one has made good; null: none. */
  readonly fault: {
    readonly sessionId: string;
    readonly result: SessionResult;
    readonly startedAtMs: number;
    /** Absent: not known. */
    readonly causes?: readonly SessionCause[];
  } | null;
  /** The session that found what waits for a decision; null: none. */
  readonly undecidedSessionId: string | null;
}

export interface SafetyFacts {
  readonly repositories: readonly RepositoryFacts[];
  readonly jobs: readonly JobFacts[];
  readonly fileBackups: readonly FileBackupFacts[];
  /** Jobs of which nothing could be read. */
  readonly unreadJobs: readonly { readonly id: string; readonly reason: string }[];
  /** Lists of jobs or of their sessions that could not be had: of what is in them nothing, or nothing new, is known. */
  readonly unreadLists: readonly UnreadablePart[];
  readonly failingChannels: readonly FailingChannel[];
  /** Why it is not known what became of the last messages; null: it is. */
  readonly unreadDeliveries: string | null;
  /** Jobs that channels name, and of which there is none. */
  readonly unknownChannelJobs: readonly ChannelJob[];
}

export interface Safety {
  readonly verdict: Verdict;
  /** The gravest first, then the oldest. */
  readonly problems: readonly SafetyProblem[];
  readonly workloads: readonly ProtectedWorkload[];
  /** What is none of them, and is not copied. */
  readonly uncopied: WatchedPlaces;
}

/** As whoever looks has seen it. */
export interface SafetySeen extends Safety {
  /** False: a job may have failed of which nothing is shown yet. Absent: true. */
  readonly areOutcomesKnown?: boolean;
  /** File-backup jobs of which no run is remembered. Absent: none. */
  readonly unjudgedRuns?: readonly string[];
}

export interface VerdictClause {
  /** What it is about: the rows behind it. */
  readonly about:
    | 'coverage'
    | 'uncopied'
    | 'late'
    | 'unknown'
    | 'unprotected'
    | 'repositories'
    | 'jobs'
    | 'damage'
    | 'verification';
  readonly state: 'good' | 'bad' | 'unknown';
  readonly text: string;
}

export interface Verdict {
  /** `unknown` is not safe. */
  readonly state: 'safe' | 'unsafe' | 'unknown';
  /** `41 of 43 workloads have a copy younger than 26 h; db07 is 9 h late; nothing is damaged; oldest check 6 days`. */
  readonly sentence: string;
  /** The parts of the sentence, in its order. */
  readonly clauses: readonly VerdictClause[];
  /** Since when it is not safe, as far as is known; epoch milliseconds; null: it is, or that is not known. */
  readonly sinceMs: number | null;
}
