import {
  deleteRestorePoints,
  flagRestorePoint,
  releaseStaging,
  replaceWithFull,
} from './change/change-points.js';
import { commitRestorePoint } from './copy/commit-restore-point.js';
import { composeTargetFile } from './copy/compose-target-file.js';
import { openCopyWorker } from './copy/copy-blocks.js';
import { healDigestTable, healDisk } from './health/heal-disk.js';
import { healCompanion } from './health/heal-companion.js';
import { inspectTargetChain } from './change/inspect-chain.js';
import { dropMarked, dropTakenNotes } from './change/taken-notes.js';
import { listRestorePoints, listStoredJobs, listWorkloads } from './look/browse.js';
import { enumerateWorkloads } from './look/found-workloads.js';
import { listKeptWorkloads, lookForAbsent } from './look/kept-workloads.js';
import { lookForNews } from './look/news.js';
import { listVerification } from './look/verification-list.js';
import { listWorkloadFacts } from './look/workload-facts.js';
import { markDamage } from './health/mark-damage.js';
import { markVerified } from './health/mark-verified.js';
import type { MoverContext } from './task/mover-context.js';
import { openCopyWindows } from './staging/journals.js';
import { discardStagedFulls } from './staging/staged-fulls.js';
import { noteAbsence } from './change/note-absence.js';
import { planCopy } from './copy/plan-copy.js';
import { planJob } from './selection/plan-job.js';
import { planExpiry } from './change/plan-expiry.js';
import { isMaintenanceDue, planMaintenance } from './change/plan-maintenance.js';
import { mergeIncrement, prepareMerge } from './change/merge-increment.js';
import { planRemoval, removeRestorePoints } from './change/remove-points.js';
import { rehomeChain } from './change/rehome-chain.js';
import { takeFormerChain } from './change/take-former-chain.js';
import { planSyntheticFull } from './change/plan-synthetic-full.js';
import { openProofWorker } from './change/prove-blocks.js';
import { giveLeaseBack, renewLease } from './staging/restore-lease.js';
import { endRestore, finishRestore, prepareRestore } from './restore/restore-point.js';
import { openRawRestoreWorker } from './restore/restore-raw.js';
import { openScanWorker } from './copy/scan-blocks.js';
import { planComparison, settleComparison } from './selection/compare-source.js';
import { findFormerChain } from './selection/former-chain.js';
import { selectWork } from './selection/select-work.js';
import { collectDamage, openVerifyWorker } from './health/verify-blocks.js';
import { giveCheckBack, leaseForVerification, prepareVerification } from './health/verify-plan.js';
import { commitTree } from './tree/commit/commit-tree.js';
import { openFileWorker } from './tree/copy/copy-files.js';
import { planTree } from './tree/plan/plan-tree.js';
import { publishFiles } from './tree/copy/publish-files.js';
import { freeTree } from './tree/change/free-tree.js';
import { noteTold } from './tree/note-told.js';
import { removeTreeFiles } from './tree/change/remove-files.js';
import { openCheckWorker } from './tree/health/check-files.js';
import { endTreeCheck, leaseForTreeCheck, planTreeCheck } from './tree/health/plan-check.js';
import { openHealWorker, planTreeRepair } from './tree/health/repair-tree.js';
import {
  endTreeRestore,
  finishTreeRestore,
  openRestoreFilesWorker,
  prepareTreeRestore,
} from './tree/restore/restore-tree.js';
import { rehomeTree } from './tree/change/rehome-tree.js';
import { settleTreeCheck } from './tree/health/settle-check.js';
import { settleTreeAbsence } from './tree/change/tree-absence.js';
import type { WindowWorker } from './task/window-loop.js';

/** Everything the data mover's threads can be asked for. All of it is safe to repeat after a stop at any place. */
const THREAD_OPERATIONS = {
  enumerateWorkloads,
  listKeptWorkloads,
  listRestorePoints,
  listStoredJobs,
  listVerification,
  listWorkloadFacts,
  listWorkloads,
  lookForAbsent,
  lookForNews,
  inspectTargetChain,
  findFormerChain,
  takeFormerChain,
  selectWork,
  planComparison,
  settleComparison,
  planCopy,
  openCopyWindows,
  composeTargetFile,
  commitRestorePoint,
  planJob,
  planMaintenance,
  isMaintenanceDue,
  prepareMerge,
  mergeIncrement,
  planSyntheticFull,
  replaceWithFull,
  flagRestorePoint,
  deleteRestorePoints,
  planExpiry,
  planRemoval,
  removeRestorePoints,
  releaseStaging,
  discardStagedFulls,
  rehomeChain,
  noteAbsence,
  giveCheckBack,
  leaseForVerification,
  prepareVerification,
  collectDamage,
  healDisk,
  healDigestTable,
  healCompanion,
  markDamage,
  markVerified,
  prepareRestore,
  renewLease,
  finishRestore,
  endRestore,
  giveLeaseBack,
  planTree,
  publishFiles,
  commitTree,
  removeTreeFiles,
  freeTree,
  noteTold,
  dropTakenNotes,
  dropMarked,
  planTreeCheck,
  leaseForTreeCheck,
  planTreeRepair,
  settleTreeCheck,
  endTreeCheck,
  prepareTreeRestore,
  finishTreeRestore,
  endTreeRestore,
  settleTreeAbsence,
  rehomeTree,
} as const;

const WINDOW_OPERATIONS = {
  copyBlocks: openCopyWorker,
  scanBlocks: openScanWorker,
  verifyBlocks: openVerifyWorker,
  proveBlocks: openProofWorker,
  restoreRaw: openRawRestoreWorker,
  copyFiles: openFileWorker,
  checkFiles: openCheckWorker,
  healFiles: openHealWorker,
  restoreFiles: openRestoreFilesWorker,
} as const;

export type ThreadOperation = keyof typeof THREAD_OPERATIONS;
export type WindowOperation = keyof typeof WINDOW_OPERATIONS;
export type OperationInput<N extends ThreadOperation> = Parameters<
  (typeof THREAD_OPERATIONS)[N]
>[1];
export type OperationOutput<N extends ThreadOperation> = Awaited<
  ReturnType<(typeof THREAD_OPERATIONS)[N]>
>;
export type WindowInput<N extends WindowOperation> = Parameters<(typeof WINDOW_OPERATIONS)[N]>[1];

/** The tables above are typed one by one; a name that comes over a thread boundary is looked up here. */
export function threadOperation(
  name: ThreadOperation,
): (context: MoverContext, input: unknown) => Promise<unknown> {
  return THREAD_OPERATIONS[name] as (context: MoverContext, input: unknown) => Promise<unknown>;
}

export function windowOperation(
  name: WindowOperation,
): (context: MoverContext, input: unknown) => Promise<WindowWorker> {
  return WINDOW_OPERATIONS[name] as (
    context: MoverContext,
    input: unknown,
  ) => Promise<WindowWorker>;
}
