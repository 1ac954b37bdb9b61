/** The work that a disk needs, as it goes through Temporal: counts, never lists. */
export interface DiskWork {
  readonly disk: string;
  readonly blockCount: number;
  readonly windowCount: number;
  /** Windows before this one are done. */
  readonly firstOpenWindow: number;
}
