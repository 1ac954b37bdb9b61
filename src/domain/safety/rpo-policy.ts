/** What a job promises of the copies of one workload. */
export interface CopyLimits {
  /** The moment that the newest good copy shows is at most so long ago; null: no limit. */
  readonly maxCopyAgeHours: number | null;
  /** What a source holds is copied at most so long after its moment; null: no limit. */
  readonly maxLagHours: number | null;
}

/** The recovery point objective of a job. */
export interface RpoPolicy extends CopyLimits {
  /** Other limits for some workloads, by id or name; of two entries for one the first counts. */
  readonly workloads: readonly (CopyLimits & { readonly workload: string })[];
}
