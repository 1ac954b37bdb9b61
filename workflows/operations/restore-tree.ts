import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type {
  PreparedTree,
  RestoreActivities,
  RestoreOrder,
} from '../../activities/operations/restore-activities.js';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { NO_FAULTS, fileNotes } from '../../src/domain/trees/file-faults.js';
import type { OperationStatus } from '../../src/domain/sessions/operation.js';
import { lackingNotes, lackingSummary } from '../../src/domain/trees/target-tree.js';
import { type TreeRestoreWork } from '../../src/domain/trees/tree-damage.js';
import type { OperationState } from './operation-state.js';
import { toTheEnd, type LastTries } from './to-the-end.js';
import { counted, countedOf } from '../../src/domain/sentences.js';

interface TreeRestore {
  readonly order: RestoreOrder;
  readonly work: TreeRestoreWork;
  readonly settings: CopySettings;
  readonly activities: ActivityInterfaceFor<RestoreActivities>;
  readonly tries: LastTries;
  readonly state: OperationState;
  /** Called between two batches; may end this run of the workflow. */
  readonly betweenBatches: () => Promise<void>;
}

/** The files of a tree that a point needs. What is damaged in the copy, was changed there meanwhile, never came there, or is refused by the destination, is named, and the rest goes on. */
export async function restoreTree(restore: TreeRestore): Promise<OperationStatus> {
  const { order, work, settings, activities, state } = restore;
  const { destinationPath } = order;
  const { windowCount, firstOpenWindow, sizeBytes, token } = work;
  const prepared = { order, ...(token === undefined ? {} : { token }) };
  const share = (windows: number) => Math.round((sizeBytes * windows) / Math.max(1, windowCount));
  state.beginWork(sizeBytes, share(firstOpenWindow));
  for (let first = firstOpenWindow; first < windowCount; first += settings.batchWindows) {
    await restore.betweenBatches();
    const count = Math.min(settings.batchWindows, windowCount - first);
    const summary = `${work.fileCount} files: windows ${first}–${first + count - 1} of ${windowCount}`;
    state.show(`restoring ${summary}`);
    await activities.restoreFiles.executeWithOptions({ summary }, [
      { ...prepared, firstWindow: first, windowCount: count, nowMs: Date.now() },
    ]);
    state.addProgress(share(count));
  }
  const {
    fileCount,
    lost,
    changed = NO_FAULTS,
    refused = NO_FAULTS,
    lacks,
    missing = [],
  } = await nameAndEnd(restore, prepared);
  state.note(`restored ${counted(fileCount, 'file')} to ${destinationPath}`);
  for (const note of fileNotes(lost, (reason) => `${reason} and was not restored`))
    state.note(note);
  for (const note of fileNotes(changed, () => 'was replaced or removed in the copy meanwhile'))
    state.note(note);
  for (const note of fileNotes(refused, (reason) => `was not restored: ${reason}`))
    state.note(note);
  if (lacks !== undefined) for (const note of lackingNotes(lacks)) state.note(note);
  const allCount = fileCount + lost.count + changed.count + refused.count;
  const parts = [
    ...(lost.count > 0 ? [`${ofFiles(lost, allCount, ['is', 'are'])} damaged in the copy`] : []),
    ...(changed.count > 0
      ? [
          `${ofFiles(changed, allCount, ['was', 'were'])} replaced or removed in the copy while it was read: order the restore again, of a point that is there`,
        ]
      : []),
    ...(refused.count > 0
      ? [`${ofFiles(refused, allCount, ['is', 'are'])} not taken by the destination`]
      : []),
    ...(lacks === undefined ? [] : [lackingSummary(lacks)]),
    ...missing.map((text) => `the restore point is not whole: ${text}`),
  ];
  if (parts.length === 0) return state.end('success', null);
  const isPart = lost.count + changed.count + refused.count > 0;
  return state.end(isPart ? 'failed' : 'warning', parts.join('; '));
}

function ofFiles(
  { count }: { readonly count: number },
  allCount: number,
  verbs: readonly [string, string],
): string {
  return countedOf([count, allCount], ['file', 'files'], verbs);
}

function nameAndEnd(
  { order: { restorePointId }, tries, state }: TreeRestore,
  prepared: Pick<PreparedTree, 'order' | 'token'>,
): ReturnType<TreeRestore['activities']['finishTreeRestore']> {
  return toTheEnd(state, tries, {
    name: (last) =>
      last.finishTreeRestore.executeWithOptions(
        { summary: `${restorePointId}: give the restored files their names` },
        [{ ...prepared, nowMs: Date.now() }],
      ),
    end: (last) =>
      last.endTreeRestore.executeWithOptions({ summary: `${restorePointId}: end the restore` }, [
        { ...prepared, nowMs: Date.now() },
      ]),
  });
}
