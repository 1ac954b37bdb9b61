/** What the server adds to the definition of a job, and takes from nobody. Pure. */

const SERVER_FIELDS: ReadonlySet<string> = new Set([
  'revision',
  'replaces',
  'origin',
  'state',
  'nextRunAt',
  'lastSession',
  'undecidedSessionId',
  'nextTryAt',
  'skippedStarts',
  'missedStartAt',
]);

/** A job as it is shown, back to the definition that a change of it sends. */
export function withoutServerFields(job: object): object {
  return Object.fromEntries(Object.entries(job).filter(([name]) => !SERVER_FIELDS.has(name)));
}
