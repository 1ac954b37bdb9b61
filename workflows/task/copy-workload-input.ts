import type { ChainPolicy, CopyJob, StartOverrides } from '../../src/domain/jobs/copy-job.js';
import type { CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { WorkloadToCopy } from '../../src/domain/sources/found-workload.js';
import type { TaskReport } from './task-report.js';

/** Argument of `copyWorkload`. */
export interface CopyWorkloadInput {
  readonly job: ChainPolicy;
  readonly overrides: Omit<StartOverrides, 'workloads'>;
  /** `title`: how its task is called; absent: by its name. */
  readonly workload: WorkloadToCopy & { readonly title?: string };
  readonly sourceRepositoryId: string;
  /** Where the session found the workload; absent: it is looked for everywhere. */
  readonly sourceFolders?: readonly string[];
  /** `soleFormerIds` of the workload. Absent: there are none. */
  readonly formerIds?: readonly string[];
  readonly settings: CopySettings;
  /** The same in every run of this task, so that they share one epoch of the chain. */
  readonly owner: string;
  readonly report: TaskReport;
  /** Of the job, whole: it is to lie beside the data before they are made. Absent: another task of the session sees to that. */
  readonly definition?: CopyJob;
  /** Whether the session counts who is at work (`SessionPlace`). Absent: an earlier build has begun it. */
  readonly countsPlaces?: true;
  /** State of the task when this run goes on for an earlier one. */
  readonly carried?: {
    readonly task: CopyTask;
    readonly activeFullDone: boolean;
    /** When the task began to wait for points in progress; null: it does not. */
    readonly waitingSinceMs: number | null;
    /** Work that is in the task's progress already. */
    readonly counted: readonly string[];
    /** `WorkLook.newDoubt` of an earlier look; absent: there was none. */
    readonly doubt?: string;
    /** What did not work so far in retention; null: that has not begun. */
    readonly warnings: readonly string[] | null;
    /** It has given its place in the session back. Absent: it has it. */
    readonly isPlaceGivenBack?: true;
  };
}
