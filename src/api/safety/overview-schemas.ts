/** Shapes of the overview and of the workloads in answers. */

import { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.js';
import {
  SAFETY_CODES,
  type SafetyCode,
  type SafetySeverity,
} from '../../domain/safety/safety-codes.js';
import type { RpoStatus } from '../../domain/safety/rpo.js';
import type { ProtectedWorkload } from '../../domain/safety/protection.js';
import type { Sight } from '../../domain/safety/sight.js';
import type { Verdict } from '../../domain/safety/safety-facts.js';
import type { WorkloadType } from '../../domain/sources/source-workload.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { instant, slug } from '../field-schemas.js';
import { unreadableSchema, workloadType } from '../repositories/repository-schemas.js';
import {
  errorCodeSchema,
  runningSessionSchema,
  type RunningSession,
} from '../sessions/session-schemas.js';

export type VerdictView = Omit<Verdict, 'sinceMs'> & { readonly since: string | null };

export interface ProblemView {
  /** Names its cause: the same from look to look. */
  readonly key: string;
  readonly code: SafetyCode;
  readonly severity: SafetySeverity;
  readonly since: string | null;
  readonly text: string;
  readonly nextStep: string;
  readonly errorCode: ErrorCode | null;
  readonly jobId: string | null;
  readonly repositoryId: string | null;
  readonly sessionId: string | null;
  /** Some of them. */
  readonly workloads: readonly {
    readonly key: string;
    readonly repositoryId: string;
    readonly id: string;
    readonly name: string;
  }[];
  readonly workloadCount: number;
}

export interface RepositoryState {
  readonly id: string;
  readonly role: 'primary' | 'target' | 'external';
  readonly reachable: boolean;
  readonly reason: string | null;
  readonly asOf: string | null;
  readonly awaySince: string | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
}

export interface ComingRun {
  readonly of: 'copyJob' | 'fileBackupJob';
  readonly jobId: string;
  readonly jobName: string;
  readonly at: string;
  readonly timeZone: string;
}

export interface Overview {
  readonly verdict: VerdictView;
  readonly asOf: string | null;
  readonly counts: Readonly<Record<ProtectedWorkload['state'], number>> & {
    readonly workloads: number;
    readonly uncopiedPlaces: number;
    readonly restorePoints: number;
    readonly keptWorkloads: number;
    readonly leftoverRestorePoints: number;
    readonly leftoverWorkloads: number;
    readonly damagedRestorePoints: number;
    readonly neverVerifiedRestorePoints: number;
  };
  readonly oldestVerifiedAt: string | null;
  readonly problems: readonly ProblemView[];
  readonly omittedProblems: number;
  readonly running: readonly RunningSession[];
  /** How many run beside these. */
  readonly omittedRunning: number;
  readonly next: readonly ComingRun[];
  readonly repositories: readonly RepositoryState[];
}

export type NightState = 'copied' | 'waiting' | 'missed' | 'none' | 'outside' | 'unknown';

export interface Night {
  readonly date: string;
  readonly state: NightState;
  readonly restorePoints: number;
}

export interface KeptView {
  readonly newestAt: string | null;
  readonly newestCopiedAt: string | null;
  readonly oldestAt: string | null;
  readonly restorePointCount: number;
  readonly damagedCount: number;
  readonly neverVerifiedCount: number;
  readonly oldestVerifiedAt: string | null;
  readonly storedBytes: number;
}

export interface LeftoverView extends KeptView {
  readonly jobId: string;
  readonly repositoryId: string;
  readonly workloadId: string;
}

export interface CopiesView extends KeptView {
  readonly jobId: string;
  readonly jobName: string;
  readonly repositoryId: string;
  readonly workloadId: string;
  readonly state: RpoStatus['state'];
  readonly since: string | null;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  readonly maxCopyAgeHours: number | null;
  readonly maxLagHours: number | null;
  readonly missedSince: string | null;
}

export interface WorkloadView {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly type: WorkloadType;
  readonly repositoryId: string;
  readonly state: ProtectedWorkload['state'];
  readonly since: string | null;
  readonly newestSourceAt: string | null;
  readonly sourcePointCount: number | null;
  readonly sourceState: Sight['state'];
  readonly sourceProblem: string | null;
  readonly newestCopyAt: string | null;
  readonly oldestCopyAt: string | null;
  readonly restorePointCount: number;
  readonly damagedCount: number;
  readonly oldestVerifiedAt: string | null;
  readonly storedBytes: number;
  readonly copies: readonly CopiesView[];
  readonly leftovers: readonly LeftoverView[];
  readonly nights: readonly Night[];
}

const bytes = z.int();
const count = z.int();
const rpoState = z.enum(['ok', 'late', 'unknown']).meta({
  id: 'RpoState',
  description: '`unknown` is not well: nothing says that the limits are kept.',
});
const workloadState = z.enum(['ok', 'late', 'unknown', 'unprotected', 'unwatched']).meta({
  id: 'WorkloadState',
  description:
    'Worst of its copies. `unprotected`: a source shows it and no job copies it. `unwatched`: it is excluded by name, or no source shows it and no job keeps it.',
});
const safetyCode: z.ZodType<SafetyCode> = z
  .enum(Object.keys(SAFETY_CODES) as [SafetyCode, ...SafetyCode[]])
  .meta({ id: 'SafetyCode', description: 'docs/OPERATIONS.md has a row for each.' });

const verdictSchema: z.ZodType<VerdictView> = z
  .object({
    state: z.enum(['safe', 'unsafe', 'unknown']).meta({ description: '`unknown` is not safe.' }),
    sentence: z.string(),
    clauses: z
      .array(
        z
          .object({
            about: z.enum([
              'coverage',
              'uncopied',
              'late',
              'unknown',
              'unprotected',
              'repositories',
              'jobs',
              'damage',
              'verification',
            ]),
            state: z.enum(['good', 'bad', 'unknown']),
            text: z.string(),
          })
          .meta({ id: 'VerdictClause' }),
      )
      .meta({ description: 'The parts of the sentence, in its order.' }),
    since: instant.nullable().meta({ description: 'Since when it is not safe, if that is known.' }),
  })
  .meta({ id: 'Verdict' });

export const problemSchema: z.ZodType<ProblemView> = z
  .object({
    key: z.string().meta({ description: 'Names its cause: the same from look to look.' }),
    code: safetyCode,
    severity: z.enum(['error', 'unknown', 'warning']).meta({
      description:
        '`error`: what is to be copied or kept is not. `unknown`: nothing says that all is well. `warning`: all is well still.',
    }),
    since: instant.nullable(),
    text: z.string(),
    nextStep: z.string(),
    errorCode: errorCodeSchema.nullable(),
    jobId: slug.nullable(),
    repositoryId: slug.nullable(),
    sessionId: z.string().nullable(),
    workloads: z
      .array(
        z
          .object({
            key: z.string(),
            repositoryId: z.string(),
            id: z.string(),
            name: z.string(),
          })
          .meta({ id: 'WorkloadName' }),
      )
      .meta({ description: 'Of many, those that suffer the longest.' }),
    workloadCount: count,
  })
  .meta({ id: 'SafetyProblem' });

const repositoryStateSchema: z.ZodType<RepositoryState> = z
  .object({
    id: slug,
    role: z.enum(['primary', 'target', 'external']),
    reachable: z.boolean(),
    reason: z.string().nullable(),
    asOf: instant.nullable().meta({ description: 'When it was last seen; null: never.' }),
    awaySince: instant.nullable(),
    totalBytes: bytes.nullable(),
    freeBytes: bytes.nullable(),
  })
  .meta({ id: 'RepositoryState' });

export const overviewSchema: z.ZodType<Overview> = z
  .object({
    verdict: verdictSchema,
    asOf: instant.nullable().meta({
      description: 'Of the oldest of the looks that this comes from; null: nothing was seen yet.',
    }),
    counts: z
      .object({
        workloads: count.meta({ description: 'All but the unwatched.' }),
        ok: count,
        late: count,
        unknown: count,
        unprotected: count,
        unwatched: count,
        uncopiedPlaces: count.meta({
          description:
            'Places of sources of which nothing is copied, because nothing that lies there is a workload: folders whose names cannot be read, or that hold files of no known layout.',
        }),
        restorePoints: count.meta({ description: 'Those that belong to no job among them.' }),
        keptWorkloads: count.meta({ description: 'Workloads of which there are restore points.' }),
        leftoverRestorePoints: count.meta({ description: 'Restore points that belong to no job.' }),
        leftoverWorkloads: count.meta({ description: 'Workloads that they are of.' }),
        damagedRestorePoints: count,
        neverVerifiedRestorePoints: count,
      })
      .meta({ id: 'OverviewCounts' }),
    oldestVerifiedAt: instant.nullable(),
    problems: z.array(problemSchema).meta({ description: 'The gravest first, then the oldest.' }),
    omittedProblems: count,
    running: z.array(runningSessionSchema),
    omittedRunning: count.meta({ description: 'Sessions that run and are not in `running`.' }),
    next: z
      .array(
        z
          .object({
            of: z.enum(['copyJob', 'fileBackupJob']),
            ...{ jobId: slug, jobName: z.string(), at: instant, timeZone: z.string() },
          })
          .meta({ id: 'ComingRun' }),
      )
      .meta({ description: 'Starts of the next 24 hours, the soonest first.' }),
    repositories: z.array(repositoryStateSchema),
  })
  .meta({ id: 'Overview' });

const keptFields = {
  newestAt: instant.nullable().meta({
    description: 'Moment of the newest copy that can be restored; null: there is none.',
  }),
  newestCopiedAt: instant.nullable(),
  oldestAt: instant.nullable(),
  restorePointCount: count,
  damagedCount: count,
  neverVerifiedCount: count,
  oldestVerifiedAt: instant.nullable().meta({
    description: 'When the one that was not verified for the longest time was read and compared.',
  }),
  storedBytes: bytes,
};

const workloadId = z.string().meta({
  description:
    'Under which that repository lists them: for copies of copies not the id of the machine at its source.',
});

const copiesSchema: z.ZodType<CopiesView> = z
  .object({
    jobId: slug,
    jobName: z.string(),
    repositoryId: slug.meta({ description: 'Target.' }),
    workloadId,
    state: rpoState,
    since: instant.nullable(),
    reasons: z.array(z.object({ code: z.string(), text: z.string() }).meta({ id: 'RpoReason' })),
    maxCopyAgeHours: z.number().nullable(),
    maxLagHours: z.number().nullable(),
    ...keptFields,
    missedSince: instant.nullable().meta({
      description: 'First of the looks in a row that found it in no source; null: the last did.',
    }),
  })
  .meta({ id: 'WorkloadCopies' });

const nightSchema: z.ZodType<Night> = z
  .object({
    date: z.string().meta({ format: 'date' }),
    state: z.enum(['copied', 'waiting', 'missed', 'none', 'outside', 'unknown']).meta({
      description:
        '`copied`: restore points of this day are kept that can be restored. `waiting`: the source has one of today, which is not copied yet. `missed`: the source has one of this day, and there is no such copy. `none`: neither. `outside`: before the first copy, or no longer kept. `unknown`: the target was not seen.',
    }),
    restorePoints: count,
  })
  .meta({ id: 'Night' });

const workloadViewSchema: z.ZodType<WorkloadView> = z
  .object({
    key: z.string().meta({ description: 'Unique among all workloads.' }),
    id: z.string(),
    name: z.string(),
    type: workloadType,
    repositoryId: z.string().meta({ description: 'Source.' }),
    state: workloadState,
    since: instant.nullable(),
    newestSourceAt: instant.nullable(),
    sourcePointCount: count
      .nullable()
      .meta({ description: 'null: its source did not show it, if it was seen (`sourceState`).' }),
    sourceState: z.enum(['seen', 'away', 'never', 'notConfigured']).meta({
      description:
        '`seen`: the last look into its source was answered. `away`: it cannot be looked at, and what was last seen is shown. `never`: it was not seen since the service started. `notConfigured`: the configuration does not have it.',
    }),
    sourceProblem: z.string().nullable(),
    newestCopyAt: instant.nullable(),
    oldestCopyAt: instant.nullable(),
    restorePointCount: count.meta({ description: 'Copies, of all jobs and of none.' }),
    damagedCount: count,
    oldestVerifiedAt: instant.nullable(),
    storedBytes: bytes,
    copies: z.array(copiesSchema).meta({ description: 'One for each job that copies it.' }),
    leftovers: z
      .array(
        z
          .object({ jobId: z.string(), repositoryId: z.string(), workloadId, ...keptFields })
          .meta({ id: 'LeftoverCopies' }),
      )
      .meta({ description: 'Copies that no job makes any more.' }),
    nights: z
      .array(nightSchema)
      .meta({ description: 'The last 14 days in the zone of its job, today last.' }),
  })
  .meta({ id: 'Workload' });

export const workloadsPageSchema: z.ZodType<{
  items: WorkloadView[];
  nextCursor?: string | undefined;
  asOf: string | null;
  unreadable?: UnreadablePart[] | undefined;
}> = z
  .object({
    items: z.array(workloadViewSchema),
    nextCursor: z.string().optional(),
    asOf: instant.nullable().meta({
      description: 'Of the oldest of the looks that this comes from; null: nothing was seen yet.',
    }),
    unreadable: z.array(unreadableSchema).optional().meta({
      description:
        'Repositories that cannot be looked at or were not yet, and parts of others that cannot be read: workloads may be missing for that, or be told as they were.',
    }),
  })
  .meta({ id: 'WorkloadPage' });

export const workloadQuerySchema = z.strictObject({
  state: z.enum(['ok', 'late', 'unknown', 'unprotected', 'unwatched']).optional(),
  jobId: slug.optional(),
  repositoryId: slug.optional().meta({ description: 'Source or target.' }),
  search: z.string().min(1).max(255).optional().meta({ description: 'Part of its name or id.' }),
  order: z.enum(['name', 'worstFirst']).optional().meta({
    description: 'Default: by name. `worstFirst`: those that need somebody first, then by name.',
  }),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|1\d\d|200)$/, 'a number from 1 to 200')
    .optional()
    .meta({ description: 'Workloads in one answer, at most 200. Default: 200.' }),
  cursor: z.string().max(4_000).optional(),
});
