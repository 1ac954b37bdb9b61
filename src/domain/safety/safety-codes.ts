/** What may be wrong with the copies, with what to do about it. Codes are a persisted name, as those of errors are. */

export type SafetySeverity =
  /** Something that is to be copied or kept is not. */
  | 'error'
  /** Nothing says that all is well. */
  | 'unknown'
  /** All is well still. */
  | 'warning';

/** The gravest first. */
export const SEVERITIES: readonly SafetySeverity[] = ['error', 'unknown', 'warning'];

interface SafetyCodeEntry {
  readonly severity: SafetySeverity;
  readonly meaning: string;
  readonly nextStep: string;
}

export const SAFETY_CODES = {
  COPY_LATE: {
    severity: 'error',
    meaning: 'Copies are older, or further behind their source, than the job allows.',
    nextStep: 'Start the job, and see in its last session what held it up.',
  },
  COPY_DAMAGED: {
    severity: 'error',
    meaning:
      'Restore points are not what was written: a health check found it, or files of theirs are gone, have another length, or were written over by a session that was stopped.',
    nextStep:
      'See that all of the target is mounted, then verify the repository: what can be healed is healed, the rest is copied anew.',
  },
  LEFTOVER_DAMAGED: {
    severity: 'error',
    meaning:
      'Restore points that belong to no job are damaged, or files of theirs are gone: no session copies them anew.',
    nextStep:
      'Restore what is good still, elsewhere; verify the repository, which heals what it can; remove the points that stay damaged.',
  },
  SOURCE_STOPPED: {
    severity: 'error',
    meaning:
      'The source shows no new restore point: all that it has is copied, and that is too old.',
    nextStep: 'Look at the backup tool that writes to the source.',
  },
  SOURCE_EMPTY: {
    severity: 'error',
    meaning: 'A source that jobs copy from shows no workload at all.',
    nextStep: 'Check that its share is mounted and that its path is the right one.',
  },
  WORKLOAD_GONE: {
    severity: 'error',
    meaning:
      'No source of a job shows a workload any more whose copies it keeps, and each of them was looked at, with all that it shows.',
    nextStep: 'Look for it in the source; if it was removed on purpose, exclude it from the job.',
  },
  WORKLOAD_IN_NO_JOB: {
    severity: 'error',
    meaning: 'A source shows a workload that no job copies.',
    nextStep: 'Include it in a job, or exclude it by name from one that copies its repository.',
  },
  WORKLOAD_NOT_COPYABLE: {
    severity: 'error',
    meaning:
      'A source shows a workload that cannot be copied as it is, or whose newest restore point is broken, or has been incomplete or not readable for more than a day; logs count for jobs that copy them.',
    nextStep: 'The text says what is wrong with it.',
  },
  PLACE_NOT_COPIED: {
    severity: 'error',
    meaning:
      'Nothing is copied of a place in a source, because its name cannot be read, or because backups lie there, as it seems, whose layout this release does not know.',
    nextStep:
      'Rename it, or copy it by other means; one that need not be copied can be excluded by its name from a job of that repository.',
  },
  JOB_NOT_STARTED: {
    severity: 'error',
    meaning: 'A start that was due did not come.',
    nextStep: 'Check that the service runs without a break; start the job by hand now.',
  },
  JOB_FOLLOWS_NONE: {
    severity: 'error',
    meaning: 'A job starts after another one that is gone or disabled, so it never does.',
    nextStep: 'Give it another schedule (`longhaul job edit`), or enable the other job.',
  },
  JOB_NEEDS_DECISION: {
    severity: 'error',
    meaning:
      'A job waits for a decision: the source chain of a workload was made anew, a source looks wiped or encrypted, or so does its copy, or the target holds copies of another job under its id.',
    nextStep:
      'Read in its session which it is, and look there before you agree: `longhaul job detach` for a workload whose chain was made anew (`longhaul job replace` for all of a job), `longhaul job start --accept-changes` for changes that were meant, `--take-over` for copies of another job.',
  },
  REPOSITORY_AWAY: {
    severity: 'error',
    meaning: 'A repository cannot be looked at.',
    nextStep: 'Check that its share is mounted and that a worker serves it.',
  },
  REPOSITORY_MISSING: {
    severity: 'error',
    meaning: 'A job names a repository that the configuration does not have.',
    nextStep: 'Configure it again under its id, or change or delete the job.',
  },
  REPOSITORY_UNFIT: {
    severity: 'error',
    meaning: 'Nothing can be copied into a target, because its storage lacks what a copy needs.',
    nextStep: '`longhaul repository check` says what it lacks.',
  },
  PART_UNREADABLE: {
    severity: 'error',
    meaning: 'A part of a repository cannot be read, such as the record of a chain.',
    nextStep: 'The text names it; check the storage, then verify the repository.',
  },
  JOB_UNREAD: {
    severity: 'unknown',
    meaning:
      'The definition of a job could not be read in time, or jobs or their last sessions could not be listed: what waits for a decision, failed or did not start may not be told.',
    nextStep: 'Check that Temporal answers.',
  },
  LIMIT_MISSING: {
    severity: 'unknown',
    meaning: 'A job does not say how old its copies may become.',
    nextStep:
      'Say it in the job: on its page under Edit, with `longhaul job edit <job> --max-copy-age <hours>`, or as `rpo` in its definition.',
  },
  COPY_MISSING: {
    severity: 'unknown',
    meaning: 'A workload has no copy yet, and the first one is not late.',
    nextStep: 'Nothing to do, or start the job.',
  },
  SOURCE_WITHOUT_POINT: {
    severity: 'unknown',
    meaning: 'A workload has no complete restore point that could be copied.',
    nextStep: 'Look at the backup tool that writes to the source.',
  },
  NOT_LOOKED_AT: {
    severity: 'unknown',
    meaning: 'A repository has not been looked at yet.',
    nextStep:
      'Ask again in a moment; a first look that lasts for minutes waits for its storage, or for a worker that serves the repository (`longhaul repository check`).',
  },
  CHANNEL_FAILED: {
    severity: 'warning',
    meaning:
      'A notification channel has refused what it was told, or not taken it for an hour. Every other channel is told, whatever its `severity`.',
    nextStep:
      'Correct its settings or the service behind it, then test it (`longhaul notification test`).',
  },
  CHANNEL_JOB_MISSING: {
    severity: 'warning',
    meaning: 'A notification channel is for a job that there is not: it is never told of it.',
    nextStep: 'Correct its `jobs`, or its `job`, in the configuration.',
  },
  CHANNELS_UNREAD: {
    severity: 'warning',
    meaning:
      'What became of the last messages could not be listed, so it is not known whether the notification channels take anything.',
    nextStep: 'Check that Temporal answers.',
  },
  REPOSITORY_FILLS: {
    severity: 'warning',
    meaning: 'At the pace of the last weeks a target is full within a month.',
    nextStep: 'Give it more room, or let jobs keep less; the page Repositories has its growth.',
  },
  FILES_NOT_COPIED: {
    severity: 'warning',
    meaning:
      'Files of a source are of no backup layout that this release knows, so they are not copied.',
    nextStep:
      'If they are backups, copy them by other means; if not, move them away, or exclude their folder by its name from a job of that repository.',
  },
  JOB_FAILED: {
    severity: 'warning',
    meaning: 'A session of a job failed, or copied less than it should, and none since was better.',
    nextStep: 'Read its session; it is tried again by itself as the job says.',
  },
  JOB_DISABLED: {
    severity: 'warning',
    meaning: 'A job does not start by itself.',
    nextStep: 'Enable it when it is to copy again.',
  },
  HEALTH_CHECK_LATE: {
    severity: 'warning',
    meaning:
      'Two days after the health check of a job was due there are restore points that it has not read, or not to the end: it failed, or did not run.',
    nextStep:
      'Look for it among the operations of the repository, and read how it ended; `longhaul restore-point verify <repository>` starts one by hand.',
  },
  COPY_OF_FUTURE: {
    severity: 'warning',
    meaning:
      'A restore point counts as copied at a time that has not come: the clock of the worker that copied it ran ahead, or this clock is behind. Until then nothing below it is removed or merged, and an immutable target holds it for as much longer.',
    nextStep:
      'Set the clocks of the service and its workers (NTP). Once they are right, the next restore point that is copied lets retention go on by itself.',
  },
  COPY_NOT_VERIFIED: {
    severity: 'warning',
    meaning: 'Restore points were not verified since their files were last changed.',
    nextStep:
      'Verify the repository, or give the job a `healthCheck`; copies of no job are checked by hand alone.',
  },
} as const satisfies Record<string, SafetyCodeEntry>;

export type SafetyCode = keyof typeof SAFETY_CODES;

/** The table of docs/OPERATIONS.md, What is wrong, as Markdown. */
export function renderSafetyTable(): string {
  const rows = Object.entries(SAFETY_CODES).map(
    ([code, { severity, meaning, nextStep }]) =>
      `| \`${code}\` | ${severity} | ${meaning} | ${nextStep} |`,
  );
  return ['| Code | Severity | Meaning | Next step |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
