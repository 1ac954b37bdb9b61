/** Files of one folder of a source that are of no layout which this release knows. Nothing of them is copied, so they are named. */
export interface UnrecognisedFiles {
  /** `.` is the root. */
  readonly folder: string;
  readonly fileCount: number;
  /** Names of the first ones, sorted. */
  readonly examples: readonly string[];
}

/** As many names tell what it is. */
export const UNRECOGNISED_EXAMPLES = 3;

/** Why, as one plain sentence without its end. */
export function unrecognisedReason({ fileCount, examples }: UnrecognisedFiles): string {
  const names = examples.map((name) => JSON.stringify(name)).join(', ');
  const rest = fileCount - examples.length;
  const what = rest === 0 ? names : `${names} and ${rest} more`;
  return fileCount === 1
    ? `${what} is of no backup layout that this release knows, so it is not copied`
    : `${what} are of no backup layout that this release knows, so they are not copied`;
}
