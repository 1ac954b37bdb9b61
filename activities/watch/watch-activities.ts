import { Context } from '@temporalio/activity';
import { DAY_MS } from '../../src/domain/elapsed.js';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import { untilOwnTurnMs } from '../../src/domain/schedules/own-turn.js';
import type { AwaitedPoint } from '../../src/domain/sources/settle.js';
import type { NamedWorkload } from '../../src/domain/jobs/source-scope.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import type { WatchedRepository } from '../../src/mover/folder-watches.js';
import type { UnreadSource } from '../../src/mover/look/news.js';
import type { TaskControl } from '../../src/mover/task/task-control.js';
import { runTask } from '../running/run-task.js';

interface WatchResult {
  /** Fingerprint of the source as it was seen; the next wait starts from it. */
  readonly seen: string;
  /** Those that have something to copy; null: so many that a session may as well look at all. */
  readonly workloads: readonly NamedWorkload[] | null;
  /** Nothing is new: sessions have left them for a day. Absent: something is. */
  readonly isLeft?: true;
}

const MAX_NAMED_WORKLOADS = 1_000;

/** How long what sessions have left is left, while its source shows nothing new. */
const LEFT_FOR_MS = DAY_MS;

interface WatchDependencies {
  readonly mover: DataMover;
  /** For how long nothing may have changed in a restore point of this repository before it is taken for whole. */
  readonly settleMs: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
}

/** Waiting for new restore points. */
export function createWatchActivities(deps: WatchDependencies) {
  return {
    /** Returns when the sources of `job` show a complete restore point that is not copied yet and that the watcher has not seen, when a copy that was there at the
     *  look before is gone (a health check has set it aside), or when one of them could not be read twice on end, for which it has not returned before: the
     *  session says why. What a session has left, because it failed or somebody has stopped it, is none of these: what failed has a retry of its own, and what was
     *  stopped is not to begin again at once. A day after `sinceMs` it returns for that, too. Looks every `intervalMs`, each job at its own place of that interval, so that a pause is half of it to one and a half, and sooner when the folder tells of a change
     *  or a point that is in progress may be whole. Reads only.
     *  @param input.sinceMs when it was last returned from, epoch milliseconds; absent: an earlier build waits so */
    async waitForRestorePoints(input: {
      job: CopyJob;
      seen: string | null;
      intervalMs: number;
      sinceMs?: number;
    }): Promise<WatchResult> {
      const { job, intervalMs } = input;
      // What is never tried again is left to the operator.
      const leftFromMs =
        input.sinceMs === undefined || job.retry.attempts === 0
          ? Infinity
          : input.sinceMs + LEFT_FOR_MS;
      return runTask(async (control) => {
        const bell = new Bell();
        const watches = new Watches(deps.mover, job, () => bell.ring());
        Context.current().cancellationSignal.addEventListener('abort', () => bell.ring());
        try {
          return await wait(
            deps,
            { job, seenBefore: input.seen, intervalMs, leftFromMs, bell, watches },
            control,
          );
        } finally {
          watches.close();
        }
      });
    },
  };
}

export type WatchActivities = ReturnType<typeof createWatchActivities>;

interface Wait {
  readonly job: CopyJob;
  readonly seenBefore: string | null;
  readonly intervalMs: number;
  /** From when on it is told of what sessions have left. Epoch milliseconds. */
  readonly leftFromMs: number;
  readonly bell: Bell;
  readonly watches: Watches;
}

async function wait(
  deps: WatchDependencies,
  { job, seenBefore, intervalMs, leftFromMs, bell, watches }: Wait,
  control: TaskControl,
): Promise<WatchResult> {
  let awaited: readonly AwaitedPoint[] = [];
  let unreadBefore: readonly UnreadSource[] = [];
  /** Ids of those that had something to be copied at the look before: what the last session has left, at the first one. */
  let left: ReadonlySet<string> | null = null;
  for (;;) {
    const settleMs = Object.fromEntries(
      job.sources.include.map(({ repositoryId }) => [repositoryId, deps.settleMs(repositoryId)]),
    );
    const { targetIds } = deps;
    const order = { job, awaited, settleMs, targetIds, nowMs: Date.now() };
    const found = await deps.mover.run('lookForNews', order, control);
    const { seen, workloads } = found;
    const isUnread = found.unread.some(({ repositoryId, code }) =>
      unreadBefore.some((one) => one.repositoryId === repositoryId && one.code === code),
    );
    if (seen !== seenBefore && isUnread) return { seen, workloads: null };
    unreadBefore = found.unread;
    if (seen !== seenBefore && workloads.length > 0)
      return { seen, workloads: namedOrAll(workloads) };
    const onlyToCompare = new Set(found.onlyToCompare);
    const undone = workloads.filter(({ id }) => !onlyToCompare.has(id));
    const come = undone.filter(({ id }) => left?.has(id) === false);
    if (come.length > 0) return { seen, workloads: namedOrAll(come) };
    if (undone.length > 0 && Date.now() >= leftFromMs)
      return { seen, workloads: namedOrAll(undone), isLeft: true };
    left = new Set(undone.map(({ id }) => id));
    ({ awaited } = found);
    watches.add(found.folders);
    const untilWhole = awaited.map(({ lookAgainAtMs }) => lookAgainAtMs - Date.now());
    const ownTurnMs = untilOwnTurnMs(job.id, intervalMs, Date.now());
    await bell.wait(Math.max(MIN_PAUSE_MS, Math.min(ownTurnMs, ...untilWhole)));
    control.throwIfStopped();
  }
}

function namedOrAll(workloads: readonly NamedWorkload[]): WatchResult['workloads'] {
  return workloads.length > MAX_NAMED_WORKLOADS ? null : workloads;
}

/** What tells of changes in the sources of a job, in the folders that looks have found. */
class Watches {
  private readonly byRepository: ReadonlyMap<string, WatchedRepository | null>;

  constructor(mover: DataMover, job: CopyJob, onChange: () => void) {
    const ids = job.sources.include.map(({ repositoryId }) => repositoryId);
    this.byRepository = new Map(ids.map((id) => [id, mover.watch(id, onChange)]));
  }

  add(folders: Readonly<Record<string, readonly string[]>>): void {
    for (const [id, watch] of this.byRepository) watch?.add(folders[id] ?? []);
  }

  close(): void {
    for (const watch of this.byRepository.values()) watch?.close();
  }
}

/** Between two looks, however often the folder tells of changes that are not over. */
const MIN_PAUSE_MS = 50;

/** A wait that can be ended early. */
class Bell {
  private wake: (() => void) | null = null;
  private isRung = false;

  ring(): void {
    this.isRung = true;
    this.wake?.();
  }

  async wait(timeoutMs: number): Promise<void> {
    if (!this.isRung)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.wake = null;
    this.isRung = false;
  }
}
