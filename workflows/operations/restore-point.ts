import {
  ActivityCancellationType,
  CancellationScope,
  ContinueAsNew,
  patched,
  proxyActivities,
  sleep,
  workflowInfo,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type {
  PreparedDisks,
  PreparedRestore,
  RestoreActivities,
  RestoreOrder,
} from '../../activities/operations/restore-activities.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { batchBytesOf, batchesOf } from '../../src/domain/targets/disk-work.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import {
  controlActivities,
  FIRST_PRIORITY,
  healthActivities,
  leaseActivities,
} from '../activity-profiles.js';
import { codeOf, isStop, reasonOf } from '../failures.js';
import { finishChange } from './finish-change.js';
import { goOnInNewRun, isHistoryLong } from '../history-length.js';
import { repositoryTaskQueue, type RestoreInput } from '../messages.js';
import { OperationState } from './operation-state.js';
import { restoreTree } from './restore-tree.js';
import { toTheEnd, WAITS_FOR_STOP, type LastTries } from './to-the-end.js';

/** Restores the disks of one copied restore point into a folder of the worker's machine, resumable and verified block by block. A run that
 *  has grown long goes on in a new one between two batches: the plan and the cursor in the destination hold the place. */
export async function restorePoint(input: RestoreInput): Promise<OperationStatus> {
  const state = new OperationState(input.carried?.operation);
  try {
    return await restore(input, state);
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    return state.fail(error);
  }
}

async function restore(input: RestoreInput, state: OperationState): Promise<OperationStatus> {
  const settings =
    input.carried?.settings ??
    (await controlActivities.readCopySettings.executeWithOptions({ summary: 'read settings' }, []));
  const options: ActivityOptions = {
    taskQueue: repositoryTaskQueue(input.repositoryId),
    startToCloseTimeout: '12h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: settings.unavailableLimitMs,
    // Else the lease is given back, and the folder to whoever orders it again, while a batch still writes into it.
    ...(patched(WAITS_FOR_STOP)
      ? { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED }
      : {}),
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '1m' },
    // Somebody waits for it: it needs no turn, and the next worker that is free takes it up.
    priority: { priorityKey: FIRST_PRIORITY },
  };
  const activities = proxyActivities<RestoreActivities>(options);
  const retry = { ...options.retry, maximumAttempts: FEW_TRIES };
  const fewTries = proxyActivities<RestoreActivities>({
    ...options,
    ...{ retry, scheduleToStartTimeout: UNTAKEN_LIMIT },
  });
  const tries = { activities, fewTries, limitMs: settings.unavailableLimitMs };
  const { repositoryId, restorePointId, destinationPath, format } = input;
  const order: RestoreOrder = {
    repositoryId,
    restorePointId,
    destinationPath,
    format,
    disks: input.disks ?? null,
    layout: input.layout ?? false,
    intoExisting: input.intoExisting ?? false,
    leaseId: input.carried?.leaseId ?? workflowInfo().runId,
  };
  try {
    return await restoreLeased(input, { order, settings, activities, tries, state });
  } catch (error) {
    if (!(error instanceof ContinueAsNew) && patched(GIVES_BACK))
      await giveLeaseBack(order, settings);
    throw error;
  }
}

/** With the pauses between them half a minute: so long a stop of the last steps waits for storage that is away. */
const FEW_TRIES = 5;
/** So long it waits for a worker that is away, or has no hand free. */
const UNTAKEN_LIMIT = '2m';

async function restoreLeased(input: RestoreInput, begun: BegunRestore): Promise<OperationStatus> {
  const { settings, activities, state } = begun;
  const plan = await prepare(input, begun, LOOKS_AT_HELD);
  const order = { ...begun.order, leaseId: plan.leaseId };
  const betweenBatches = () => continueIfLong(input, settings, state, plan.leaseId);
  if (plan.tree !== undefined)
    return restoreTree({
      ...{ order, work: plan.tree },
      ...{ settings, activities, tries: begun.tries, state, betweenBatches },
    });
  return restoreDisks(input, { ...begun, order, plan, betweenBatches });
}

/** Once, however often it is prepared. */
function noteUnleased(state: OperationState, plan: PreparedRestore): void {
  const { unleased = null } = plan.tree ?? plan;
  if (unleased === null || state.view.notes.some((note) => note.startsWith(UNLEASED))) return;
  state.note(
    `${UNLEASED}: ${unleased} Nothing keeps others from changing the copy meanwhile; what changed would be told.`,
  );
}

const UNLEASED = 'read without a lease, because the storage takes no write';

/** Before, the lease of a restore that was stopped or failed lasted for up to 15 minutes. */
const GIVES_BACK = 'restorePoint-20261127-gives-lease-back';

async function giveLeaseBack(order: RestoreOrder, settings: CopySettings): Promise<void> {
  const { repositoryId, restorePointId } = order;
  const { giveLeaseBack: give } = leaseActivities(repositoryId, settings);
  await CancellationScope.nonCancellable(() =>
    give.executeWithOptions({ summary: `${restorePointId}: give it free` }, [
      { order, nowMs: Date.now() },
    ]),
  ).catch(() => undefined);
}

async function continueIfLong(
  input: RestoreInput,
  settings: CopySettings,
  state: OperationState,
  leaseId: string | null,
): Promise<void> {
  if (!isHistoryLong(settings)) return;
  const carried = { settings, operation: state.carry(), leaseId };
  await goOnInNewRun<typeof restorePoint>({ ...input, carried });
}

interface BegunRestore {
  readonly order: RestoreOrder;
  readonly settings: CopySettings;
  readonly activities: ActivityInterfaceFor<RestoreActivities>;
  readonly tries: LastTries;
  readonly state: OperationState;
}

/** A session that copies for hours holds the chain as one that merges does. Files that are in work after all show it: then the session is waited for. */
const LOOKS_AT_HELD = 10;

/** Waits for a change of the chain that is under way; one that was left by a crash is finished under the chain's lock. Where it cannot be finished, or waits
 *  for another reader, the files are read as they lie: a restore is the last thing to wait for room, or for a disk that somebody has to change. */
async function prepare(
  input: RestoreInput,
  { order, settings, activities, state }: BegunRestore,
  mostLooks = Infinity,
): Promise<PreparedRestore> {
  const { restorePointId, leaseId } = order;
  let isChangeStuck = false;
  for (let looks = 1; ; looks++) {
    try {
      const plan = await activities.prepareRestore.executeWithOptions(
        { summary: `${restorePointId}: plan the restore` },
        [{ order, nowMs: Date.now(), ...(isChangeStuck ? { isChangeStuck } : {}) }],
      );
      noteUnleased(state, plan);
      return plan;
    } catch (error) {
      if (codeOf(error) !== 'CHAIN_LOCKED' || isChangeStuck) throw error;
      state.show(`waiting: ${reasonOf(error)}`);
      const finished = await finishChangeOf(order, settings, state);
      if (finished === 'held' && looks < mostLooks) {
        await continueIfLong(input, settings, state, leaseId);
        await sleep(settings.lockRetryMs);
        continue;
      }
      isChangeStuck = true;
      if (finished !== 'held' && finished.stuck !== null)
        state.note(`restored while a change waits: ${finished.stuck}`);
    }
  }
}

/** What keeps the change from being finished, storage that takes no write too, keeps nobody from reading. */
async function finishChangeOf(
  order: RestoreOrder,
  settings: CopySettings,
  state: OperationState,
): ReturnType<typeof finishChange> {
  try {
    return await finishFoundChange(order, settings, state);
  } catch (error) {
    if (isStop(error)) throw error;
    return { stuck: reasonOf(error) };
  }
}

async function finishFoundChange(
  { repositoryId, restorePointId }: RestoreOrder,
  settings: CopySettings,
  { startedAt: since }: OperationState,
): ReturnType<typeof finishChange> {
  const { parts } = await healthActivities(
    repositoryId,
    settings,
  ).listVerification.executeWithOptions({ summary: `${restorePointId}: look for its chain` }, [
    { repositoryId, restorePointId, jobId: null, since, after: null },
  ]);
  for (const part of parts)
    if (part.type === 'chain') return finishChange({ repositoryId, chain: part, since, settings });
  return { stuck: null };
}

interface DiskRestore extends BegunRestore {
  readonly plan: PreparedDisks;
  readonly betweenBatches: () => Promise<void>;
}

/** What was planned no longer fits: a merge has made other files of the chain, or one was healed. What is written and fits still is kept. */
const PREPARED_AGAIN: readonly string[] = ['SOURCE_CHANGED', 'FILE_MISSING', 'STAGING_INVALID'];

/** Of these, those by which other files of the chain show. */
const CHANGED_FILES: readonly string[] = ['SOURCE_CHANGED', 'FILE_MISSING'];

async function restoreDisks(input: RestoreInput, begun: DiskRestore): Promise<OperationStatus> {
  const { settings, state } = begun;
  let restore = begun;
  for (let replans = 0, doneBytes = 0; ;) {
    try {
      return await restorePlanned(restore);
    } catch (error) {
      if (!PREPARED_AGAIN.includes(codeOf(error)) || !patched(PREPARES_AGAIN)) throw error;
      // A healing writes into the files for a while.
      if (state.view.processedBytes > doneBytes) replans = 0;
      doneBytes = Math.max(doneBytes, state.view.processedBytes);
      if (++replans > settings.maxReplans) throw error;
      state.show(`planned again: ${reasonOf(error)}`);
      // A change may have begun while the lease had lapsed: held again it would wait for this restore, which cannot go on before it has ended.
      if (CHANGED_FILES.includes(codeOf(error))) await giveLeaseBack(restore.order, settings);
      if (replans > 1) await sleep(settings.lockRetryMs);
      const plan = await prepare(input, restore);
      if (plan.tree !== undefined) throw error;
      restore = { ...restore, plan };
    }
  }
}

/** Before, a change of the files ended the restore. */
const PREPARES_AGAIN = 'restorePoint-20261127-prepares-again';

/** Before, the last step could not be done again: its answer was lost with the worker, and the restore that it had ended counted as failed. */
const ENDS_APART = 'restorePoint-20261127-ends-apart';

async function restorePlanned(restore: DiskRestore): Promise<OperationStatus> {
  const { order, plan, settings, activities, tries, state, betweenBatches } = restore;
  const { reference } = plan;
  state.beginPiece(plan.disks);
  for (const disk of plan.disks) {
    for (const part of batchesOf(disk, settings.batchWindows)) {
      await betweenBatches();
      const summary = `${disk.disk}: blocks ${part.firstBlock}–${part.lastBlock}`;
      state.show(`restoring ${summary}`);
      const counts = await activities.restoreBlocks.executeWithOptions({ summary }, [
        {
          order,
          reference,
          disk: disk.disk,
          firstWindow: part.firstWindow,
          windowCount: part.windowCount,
          nowMs: Date.now(),
        },
      ]);
      state.addProgress(batchBytesOf(disk, part, counts));
    }
  }
  const endsApart = patched(ENDS_APART);
  const { files } = await toTheEnd(state, tries, {
    name: (last) =>
      last.finishRestore.executeWithOptions(
        { summary: `${order.restorePointId}: give the restored disks their names` },
        [{ order, reference, nowMs: Date.now(), ...(endsApart ? { endsApart } : {}) }],
      ),
    end: async (last) => {
      if (endsApart)
        await last.endRestore.executeWithOptions(
          { summary: `${order.restorePointId}: end the restore` },
          [{ order, reference, nowMs: Date.now() }],
        );
    },
  });
  for (const file of files) state.note(`restored ${file}`);
  return state.end('success', null);
}
