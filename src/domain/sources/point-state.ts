/** `inProgress`: its tool may still be writing; it is looked at again by itself. `incomplete`: not whole, and nothing has changed for a
 *  while; may still become complete. `broken`: cannot be restored. `unknown`: could not be read just now. */
export type RestorePointState = 'complete' | 'inProgress' | 'incomplete' | 'broken' | 'unknown';

/** In plain words. */
export const POINT_STATE_TEXT: Readonly<Record<RestorePointState, string>> = {
  complete: 'complete',
  inProgress: 'in progress',
  incomplete: 'incomplete',
  broken: 'broken',
  unknown: 'not readable just now',
};

/** What tells whether a backup tool has finished a restore point. */
export interface PointEvidence {
  /** `closed`: its closing record is there, and nothing was written to it afterwards. `awaited`: the tool will write one. `silent`: the tool
   *  says nothing, or something was written after its record. */
  readonly closing: 'closed' | 'awaited' | 'silent';
  /** Newest modification or change of its files and its closing record, by the clock of the storage. */
  readonly changedAtMs: number;
  /** Its files with their sizes and times; equal texts mean: nothing in its set has changed. */
  readonly files: string;
}
