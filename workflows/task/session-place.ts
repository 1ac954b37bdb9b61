import {
  condition,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { isStop } from '../failures.js';
import { placeSignal, taskPlaceSignal } from '../messages.js';
import type { Turn } from '../turn.js';

/** Of one run of the task. Each time costs the session a dozen events of its history, and behind its last start it does not go on in a new run. After that it waits with its
 *  place. */
const MOST_GIVEN_BACK = 4;

interface PlaceOptions {
  readonly workloadId: string;
  /** Whether its session counts places; one that an earlier build has begun does not, and answers nothing. */
  readonly isCounted: boolean;
  /** An earlier run of the task has given its place back. */
  readonly isGivenBack: boolean;
  /** Given up before a place is waited for: those that have places need turns. */
  readonly turn: Turn;
  /** As that of `Turn`. */
  readonly onWait: (reason: string | null) => void;
}

/** The place of a task among those of its session that are at work at once (`parallelWorkloads`). Who only waits for a source to settle gives it back, so that
 *  the next workload begins, and looks without one. Who has found work asks for it again, and is given the next that gets free, before workloads that were not begun yet. */
export class SessionPlace {
  private isHeld: boolean;
  private timesGivenBack = 0;

  constructor(private readonly options: PlaceOptions) {
    this.isHeld = !options.isGivenBack;
    setHandler(placeSignal, () => void (this.isHeld = true));
  }

  get isGivenBack(): boolean {
    return !this.isHeld;
  }

  async giveBack(): Promise<void> {
    if (!this.isHeld || !this.options.isCounted || this.timesGivenBack >= MOST_GIVEN_BACK) return;
    this.timesGivenBack++;
    this.isHeld = !(await this.tell(false));
  }

  /** Resolves when it has one. */
  async take(): Promise<void> {
    if (this.isHeld) return;
    const { turn, onWait } = this.options;
    await turn.giveUp();
    onWait(
      'it waits for a place in its session, where as many workloads are at work at once as parallelWorkloads says',
    );
    try {
      // A session that is gone ends its tasks, and counts nothing.
      if (await this.tell(true)) await condition(() => this.isHeld);
      this.isHeld = true;
    } finally {
      onWait(null);
    }
  }

  /** @returns whether the session was told */
  private async tell(isWanted: boolean): Promise<boolean> {
    const session = workflowInfo().parent?.workflowId;
    if (session === undefined) return false;
    const { workloadId } = this.options;
    try {
      await getExternalWorkflowHandle(session).signal(taskPlaceSignal, { workloadId, isWanted });
      return true;
    } catch (error) {
      if (isStop(error)) throw error;
      return false;
    }
  }
}
