import type { ThreadOperation } from './mover-operations.js';

/** Looks for people and for watches, on a thread of their own: lists of everything, which may take long and must never wait behind a copy. Each
 *  reads only. Names alone: who asks the threads need not load what they run. */
export const LOOK_OPERATIONS: ReadonlySet<ThreadOperation> = new Set<ThreadOperation>([
  'enumerateWorkloads',
  'listKeptWorkloads',
  'listRestorePoints',
  'listStoredJobs',
  'listVerification',
  'listWorkloadFacts',
  'listWorkloads',
  'lookForAbsent',
  'lookForNews',
]);
