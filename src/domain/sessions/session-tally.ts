/** The tasks of a session that have ended, in a size that does not depend on how many there are. */

import {
  NO_PROGRESS,
  NO_TASKS,
  type CopyProgress,
  type CopyTask,
  type TaskCounts,
} from './copy-session.js';
import { countResults, RANKING, sumProgress } from './session-result.js';
import { briefTask, jsonBytes } from './task-brief.js';

export interface SessionTally {
  /** By result; nothing waits or runs here. */
  readonly counts: TaskCounts;
  /** Of all tasks. */
  readonly progress: CopyProgress;
  /** In the order in which they ended. */
  readonly tasks: readonly CopyTask[];
  readonly omittedTasks: number;
}

const EMPTY_TALLY: SessionTally = {
  counts: NO_TASKS,
  progress: NO_PROGRESS,
  tasks: [],
  omittedTasks: 0,
};

/** A session of so many workloads keeps a brief of each; in a larger one every task has a file of its own. */
export const KEPT_TASKS = 500;
/** JSON of the briefs: a quarter of a payload, because a job of 1 MB goes along with them into the session's record. */
const TALLY_BYTES = 600_000;

/** Adds tasks to a tally, whose briefs stay within `maxBytes`. What must go is what has a file of its own and went best; of two alike the
 *  newer, so that the first ones of each result are there to be named. */
export class TallyKeeper {
  private counts: Record<keyof TaskCounts, number>;
  private progress: CopyProgress;
  private readonly kept: { readonly task: CopyTask; readonly bytes: number }[];
  private bytes: number;
  private omittedTasks: number;

  constructor(
    tally: SessionTally = EMPTY_TALLY,
    private readonly maxBytes = TALLY_BYTES,
  ) {
    this.counts = { ...tally.counts };
    this.progress = tally.progress;
    this.kept = tally.tasks.map((task) => ({ task, bytes: jsonBytes(task) }));
    this.bytes = this.kept.reduce((sum, { bytes }) => sum + bytes, 0);
    this.omittedTasks = tally.omittedTasks;
  }

  get tally(): SessionTally {
    return {
      counts: this.counts,
      progress: this.progress,
      tasks: this.kept.map(({ task }) => task),
      omittedTasks: this.omittedTasks,
    };
  }

  /** @returns what had to go and has no file of its own: nobody reads what it told */
  add(task: CopyTask): CopyTask[] {
    const added = countResults([task]);
    for (const rank of RANKING) this.counts[rank] += added[rank];
    this.progress = sumProgress([{ progress: this.progress, state: 'ended' }, task]);
    const brief = briefTask(task);
    const bytes = jsonBytes(brief);
    this.kept.push({ task: brief, bytes });
    this.bytes += bytes;
    const omitted: CopyTask[] = [];
    while (this.bytes > this.maxBytes && this.kept.length > 0) omitted.push(this.omitOne());
    return omitted.filter(({ recorded }) => recorded !== true);
  }

  private omitOne(): CopyTask {
    let worst = 0;
    for (let index = 1; index < this.kept.length; index++)
      if (keepRank(this.kept[index]!.task) >= keepRank(this.kept[worst]!.task)) worst = index;
    const [omitted] = this.kept.splice(worst, 1);
    this.bytes -= omitted!.bytes;
    this.omittedTasks++;
    return omitted!.task;
  }
}

/** The higher, the sooner it goes. */
function keepRank({ recorded, result }: CopyTask): number {
  return RANKING.indexOf(result ?? 'failed') + (recorded ? RANKING.length : 0);
}
