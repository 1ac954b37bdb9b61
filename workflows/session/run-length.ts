import { upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { CopySettings } from '../../src/domain/jobs/copy-settings.js';
import { isHistoryLong } from '../history-length.js';
import type { SessionMemo } from '../messages.js';
import type { SessionChildren } from './session-children.js';

/** How long one run of a session may become. */
export class RunLength {
  /** Events; null: as the settings have it. */
  private longAtEvents: number | null = null;

  /** @param startedAt of the session, for the memo of the next run */
  constructor(
    private readonly settings: CopySettings,
    private readonly startedAt: SessionMemo['startedAt'],
  ) {
    // The next run has to list as much: that is no reason to go on.
    if (isHistoryLong(settings)) this.letGrow();
  }

  /** Whether this run has grown so long that the next one goes on. It waits for the tasks that run, because they end with it, but not for
   *  hours while others could begin, as long as the history may grow. */
  async isToGoOn(children: SessionChildren): Promise<boolean> {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const { maxHistoryEvents, drainLimitMs } = this.settings;
    const isLong =
      historyLength >= (this.longAtEvents ?? maxHistoryEvents) ||
      (continueAsNewSuggested && this.longAtEvents === null);
    if (!isLong) return false;
    const mayGrow = historyLength < GROWTH_LIMIT * maxHistoryEvents;
    if (await children.ended(mayGrow ? drainLimitMs : undefined)) {
      upsertMemo({ startedAt: this.startedAt });
      return true;
    }
    this.letGrow();
    return false;
  }

  private letGrow(): void {
    this.longAtEvents = workflowInfo().historyLength + this.settings.maxHistoryEvents / 4;
  }
}

/** Of `maxHistoryEvents`: far below the 51,200 events at which the server ends a workflow. */
const GROWTH_LIMIT = 4;
