/** What a probe of a target's storage found. Plain JSON. */

/** `required`: a folder that cannot be synced is an error. `unavailable`: it is accepted, and names may be lost in a power cut. */
export type FolderSync = 'required' | 'unavailable';

export interface StorageAbilities {
  /** A file can be made, written, read back in this process and removed. */
  readonly readAfterWrite: boolean;
  /** `rename` replaces an existing file. */
  readonly renameOver: boolean;
  readonly fileSync: boolean;
  readonly folderSync: boolean;
  /** Ranges that were not written take no room; null: the storage does not tell. */
  readonly sparseFiles: boolean | null;
  /** `a` and `A` are two files. */
  readonly caseSensitive: boolean;
  /** `é` as one character, and as a letter with an accent behind it, are two files. */
  readonly accentSensitive: boolean;
  /** Times of files are multiples of this, as far as a few files tell. */
  readonly modifiedTimeStepNs: number;
  /** The longest name that was taken of those that were tried, in bytes. */
  readonly longestNameBytes: number;
}

export interface StorageProbe {
  /** RFC 3339 UTC. */
  readonly probedAt: string;
  /** null: nothing could be tried, for the fault that is named. */
  readonly abilities: StorageAbilities | null;
  /** Why nothing can be copied here, one sentence each; empty: it can. */
  readonly faults: readonly string[];
  /** What an operator should know, one sentence each. */
  readonly warnings: readonly string[];
}

/** Longest name in a target: a path segment of 200 characters with `.digests.partial` (FORMAT.md, Path segments). */
export const NEEDED_NAME_BYTES = 216;

/** Coarser times do not tell two writes of one second apart. */
const FINE_TIME_STEP_NS = 100_000_000;

/** What abilities mean for a target. Pure. */
export function judgeStorage(
  abilities: StorageAbilities,
  folderSync: FolderSync,
): Pick<StorageProbe, 'faults' | 'warnings'> {
  const faults: string[] = [];
  const warnings: string[] = [];
  if (!abilities.readAfterWrite)
    faults.push('A file that was written does not read back as it was written.');
  if (!abilities.renameOver) faults.push('A file cannot be renamed over another one.');
  if (!abilities.fileSync)
    faults.push('Files cannot be synced: no copy would survive a power cut.');
  if (!abilities.folderSync && folderSync === 'required')
    faults.push(
      'Folders cannot be synced, so the name of a new file may be lost in a power cut. The setting `folderSync: unavailable` accepts that.',
    );
  if (!abilities.folderSync && folderSync === 'unavailable')
    warnings.push(
      'Folders cannot be synced, and the setting `folderSync` accepts it: a power cut may take restore points that were reported as copied.',
    );
  if (abilities.longestNameBytes < NEEDED_NAME_BYTES)
    faults.push(
      `Names of more than ${abilities.longestNameBytes} bytes are refused; up to ${NEEDED_NAME_BYTES} are needed.`,
    );
  if (abilities.sparseFiles === false)
    warnings.push('Files are not sparse: ranges that hold nothing take room all the same.');
  if (!abilities.caseSensitive)
    warnings.push(
      'Upper and lower case are one: jobs or workloads whose ids differ in nothing else meet in one folder and are refused.',
    );
  if (!abilities.accentSensitive)
    warnings.push(
      'Letters with accents are one however they are encoded: of two files of a tree whose names differ in nothing else the second is not copied.',
    );
  if (abilities.modifiedTimeStepNs > FINE_TIME_STEP_NS)
    warnings.push(
      `Times of files have steps of ${abilities.modifiedTimeStepNs / 1e9} s: two writes within one step look like one.`,
    );
  return { faults, warnings };
}
