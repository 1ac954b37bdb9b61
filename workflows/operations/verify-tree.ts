import type { LateTree, VerificationCounts } from '../carried-state.js';
import { executeChild, sleep } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import type { TreeToVerify } from '../../src/domain/targets/verification.js';
import { findingNotes, type TreeCheckReference } from '../../src/domain/trees/tree-damage.js';
import { treeHealthActivities } from '../activity-profiles.js';
import { codeOf, reasonOf } from '../failures.js';
import { chainWorkflowId, CONTROL_TASK_QUEUE } from '../messages.js';
import type { OperationState } from './operation-state.js';
import { repairTree } from './repair-tree.js';
import { isOfOneChain } from './verification-findings.js';

interface Surroundings {
  readonly repositoryId: string;
  readonly settings: CopySettings;
  readonly state: OperationState;
  readonly count: (more: Partial<VerificationCounts>) => void;
  /** Called between two batches; may end this run of the workflow. */
  readonly betweenSteps: () => Promise<void>;
  /** Called while a session is waited for; may end this run, too. */
  readonly whileWaiting: () => Promise<void>;
}

/** The part of a health check that reads copied trees. Where a run ends between two batches the notes beside the tree hold the place. */
export class TreeVerification {
  private readonly activities;

  constructor(
    private readonly around: Surroundings,
    private late: readonly LateTree[] = [],
  ) {
    this.activities = treeHealthActivities(around.repositoryId, around.settings);
  }

  carry(): readonly LateTree[] {
    return this.late;
  }

  async verify(tree: TreeToVerify): Promise<void> {
    const { state, settings } = this.around;
    for (let readings = 1; ; readings++) {
      try {
        const reference = await this.read(tree);
        if (await this.settleNow({ tree, reference })) return;
        this.late = [...this.late, { tree, reference }];
        return;
      } catch (error) {
        if (isToBeReadAgain(error) && readings <= settings.maxReplans) {
          state.note(`${tree.workload.name} is read again: ${reasonOf(error)}`);
          continue;
        }
        if (!isUnjudged(tree, error)) throw error;
        return this.cannotJudge(tree, error);
      }
    }
  }

  /** Keeps no other tree from being read. */
  private cannotJudge({ path }: TreeToVerify, error: unknown): void {
    this.around.state.note(`${path} cannot be verified: ${reasonOf(error)} (${codeOf(error)})`);
    this.around.count({ unreadable: 1 });
  }

  /** Waits for the sessions that hold what was read. */
  async settleLate(): Promise<void> {
    const { state, settings, whileWaiting } = this.around;
    for (let first = this.late[0]; first !== undefined; first = this.late[0]) {
      try {
        while (!(await this.settleNow(first))) {
          state.show(`waiting for the session that copies ${first.tree.workload.name}`);
          await whileWaiting();
          await sleep(settings.lockRetryMs);
        }
        this.late = this.late.slice(1);
      } catch (error) {
        const isAgain = isToBeReadAgain(error);
        if (!isAgain && !isUnjudged(first.tree, error)) throw error;
        this.late = this.late.slice(1);
        if (isAgain) await this.verify(first.tree);
        else this.cannotJudge(first.tree, error);
      }
    }
  }

  private async read(tree: TreeToVerify): Promise<TreeCheckReference> {
    const { repositoryId, settings, state, betweenSteps } = this.around;
    const { jobId, workloadId, pointId, workload } = tree;
    const ids = { targetRepositoryId: repositoryId, jobId, workloadId };
    await betweenSteps();
    state.show(`verifying ${workload.name}`);
    const { reference, work } = await this.activities.planTreeCheck.executeWithOptions(
      { summary: `${workload.name}: list the files of the copy` },
      [{ ...ids, pointId, nowMs: Date.now() }],
    );
    const { windowCount, firstOpenWindow, sizeBytes, fileCount } = work;
    const share = (windows: number) => Math.round((sizeBytes * windows) / Math.max(1, windowCount));
    state.beginWork(sizeBytes, share(firstOpenWindow));
    for (let first = firstOpenWindow; first < windowCount; first += settings.batchWindows) {
      await betweenSteps();
      const count = Math.min(settings.batchWindows, windowCount - first);
      const summary = `${workload.name}: read ${fileCount} files, windows ${first}–${first + count - 1} of ${windowCount}`;
      const batch = { firstWindow: first, windowCount: count, nowMs: Date.now() };
      await this.activities.checkFiles.executeWithOptions({ summary }, [
        { ...ids, reference, ...batch },
      ]);
      state.addProgress(share(count));
    }
    state.endPiece();
    return reference;
  }

  /** False: a session holds the tree. */
  private async settleNow({ tree, reference }: LateTree): Promise<boolean> {
    const { repositoryId, settings, state, count } = this.around;
    const { jobId, workloadId, workload } = tree;
    try {
      const outcome = await executeChild(repairTree, {
        workflowId: chainWorkflowId(repositoryId, jobId, workloadId),
        taskQueue: CONTROL_TASK_QUEUE,
        staticSummary: `${workload.name}: heal, and enter what was read`,
        args: [{ targetRepositoryId: repositoryId, tree, reference, settings }],
      });
      for (const note of findingNotes(outcome)) state.note(`${workload.name}: ${note}`);
      const { pointCount, damaged, lost, lacking, unknown } = outcome;
      const lackingCount = lacking?.count ?? 0;
      count({
        ...{ points: pointCount, damaged: damaged + lackingCount },
        ...{ unhealed: lost.count + lackingCount, unknown: unknown.count },
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }
}

/** What its storage refuses of one tree says nothing of the others. */
const REFUSED: readonly string[] = [
  'REPOSITORY_ACCESS_DENIED',
  'REPOSITORY_READ_ONLY',
  'REPOSITORY_UNSUITED',
];

/** A point that was asked for by its name has to be there. */
function isUnjudged({ pointId }: TreeToVerify, error: unknown): boolean {
  const code = codeOf(error);
  if (pointId !== null && code === 'RESTORE_POINT_MISSING') return false;
  return REFUSED.includes(code) || isOfOneChain(error);
}

/** The notes of what was found are gone before they were told. */
function isToBeReadAgain(error: unknown): boolean {
  return codeOf(error) === 'STAGING_INVALID';
}
