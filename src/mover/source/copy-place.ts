/** Where a workload is copied from and to. */
export interface CopyPlace {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly sourceRepositoryId: string;
  readonly workloadId: string;
  /** `SourceWorkload.folders` of the look that the work goes by; absent: looked for everywhere. */
  readonly sourceFolders?: readonly string[];
  /** Of a look that may be remembered; absent: it is looked anew. */
  readonly lookId?: string | undefined;
}
