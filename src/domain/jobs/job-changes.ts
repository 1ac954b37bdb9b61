/** What a changed definition means for the copies that are there. */

import { GFS_FLAGS } from '../retention/gfs.js';
import { flagPeriods } from '../retention/ended-gfs.js';
import type { CopyJob } from './copy-job.js';

/** `mayDelete`: copies that stay now may go with the next session. `newChain`: everything is copied anew. `copiesLess`: something may no longer be
 *  copied; its copies stay. */
type ChangeEffect = 'none' | 'copiesLess' | 'newChain' | 'mayDelete';

export interface JobChange {
  /** Of the definition. */
  readonly field: JobField;
  readonly before: unknown;
  readonly after: unknown;
  readonly effect: ChangeEffect;
  /** One plain sentence on the effect; null: none. */
  readonly text: string | null;
}

/** Fields that a client decides. */
type JobField = Exclude<
  keyof CopyJob,
  'id' | 'revision' | 'replaces' | 'origin' | 'kind' | 'fileBackupJobId' | 'once' | 'detached'
>;

type Changeable = Pick<CopyJob, JobField>;

/** In the order in which a definition is read. */
const EFFECTS: Readonly<
  Record<JobField, (before: Changeable, after: Changeable) => Pick<JobChange, 'effect' | 'text'>>
> = {
  name: harmless,
  description: harmless,
  mode: harmless,
  sources: (before) =>
    told(
      'copiesLess',
      before.removedWorkloadsAfterDays === null
        ? 'what the job no longer takes is no longer copied; its copies stay'
        : 'what the job no longer takes is no longer copied; its copies stay as long as a source shows it',
    ),
  target: (before, after) =>
    told(
      'newChain',
      `the next session goes on with what was carried to ${after.target.repositoryId}, and copies everything else anew; the copies in ${before.target.repositoryId} stay there, and no job keeps or removes them any more`,
    ),
  restorePoints: harmless,
  transactionLogs: harmless,
  retention: (before, after) =>
    before.retention.type === after.retention.type && before.retention.value < after.retention.value
      ? harmless()
      : told('mayDelete', 'restore points that are kept now may be merged or deleted'),
  gfs: (before, after) =>
    keepsLess(before, after)
      ? told('mayDelete', 'fulls that their flags keep now may be merged or deleted')
      : isLeft(before, after)
        ? told(
            'none',
            'no new fulls are made for the tiers that are off; those that are there stay until the day of their flags',
          )
        : harmless(),
  endedGfs: (before, after) =>
    keepsLess(before, after)
      ? told('mayDelete', 'fulls of tiers that are off may be merged or deleted')
      : harmless(),
  timeZone: harmless,
  schedule: harmless,
  missedStarts: harmless,
  allowedHours: harmless,
  retry: harmless,
  onSourceChainRecreated: harmless,
  storage: harmless,
  healthCheck: harmless,
  compact: harmless,
  rpo: harmless,
  removedWorkloadsAfterDays: ({ removedWorkloadsAfterDays: before }, after) => {
    const days = after.removedWorkloadsAfterDays;
    return days !== null && (before === null || days < before)
      ? told('mayDelete', 'copies of machines that no source shows any more may be deleted sooner')
      : harmless();
  },
};

/** What differs, in the order of a definition. */
export function jobChanges(before: Changeable, after: Changeable): JobChange[] {
  return (Object.keys(EFFECTS) as JobField[]).flatMap((field) =>
    isSame(before[field], after[field])
      ? []
      : [
          {
            // What is absent is told as nothing.
            ...{ field, before: before[field] ?? null, after: after[field] ?? null },
            ...EFFECTS[field](before, after),
          },
        ],
  );
}

/** Whether somebody has to have seen what the change does before it is made. */
export function needsLook(changes: readonly Pick<JobChange, 'effect'>[]): boolean {
  return changes.some(({ effect }) => effect === 'mayDelete' || effect === 'newChain');
}

function harmless(): Pick<JobChange, 'effect' | 'text'> {
  return { effect: 'none', text: null };
}

function told(effect: ChangeEffect, text: string): Pick<JobChange, 'effect' | 'text'> {
  return { effect, text };
}

function keepsLess(before: Changeable, after: Changeable): boolean {
  const [now, then] = [flagPeriods(before), flagPeriods(after)];
  return GFS_FLAGS.some((tier) => (then[tier] ?? 0) < (now[tier] ?? 0));
}

/** A tier goes, and its fulls stay. */
function isLeft({ gfs: before }: Changeable, { gfs: after }: Changeable): boolean {
  return GFS_FLAGS.some(
    (tier) => (before?.[tier] ?? null) !== null && (after?.[tier] ?? null) === null,
  );
}

/** JSON, whatever the order of its fields. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  const valueOf = (value: object, field: string) => (value as Record<string, unknown>)[field];
  return [...fields].every((field) => isSame(valueOf(a, field), valueOf(b, field)));
}
