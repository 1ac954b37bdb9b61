import { sleep } from '@temporalio/workflow';
import type { CopyJob } from '../../src/domain/jobs/copy-job.js';
import {
  pauseBeforeLookMs,
  type AwaitedPoint,
  type SeenSet,
} from '../../src/domain/sources/settle.js';
import type { Turn } from '../turn.js';
import type { Pause } from './pause.js';
import type { SessionPlace } from './session-place.js';
import type { CopyTaskState } from './task-state.js';

/** The waits of one task for restore points that are in progress. */
export class PointWait {
  /** Of the look before, for the next one. */
  seen: readonly SeenSet[] = [];

  /** @param sinceMs when the task began to wait; null: it does not */
  constructor(
    private readonly task: {
      readonly state: CopyTaskState;
      readonly pause: Pause;
      readonly turn: Turn;
      readonly place: SessionPlace;
    },
    private readonly job: Pick<CopyJob, 'mode' | 'schedule'>,
    public sinceMs: number | null,
  ) {}

  /** Waits until the points may be whole; false: there are none, or they are awaited no longer.
   *  @param continueIfLong goes on in a new run when this one has grown long */
  async untilNextLook(
    awaited: readonly AwaitedPoint[],
    reason: string | null,
    continueIfLong: () => Promise<void>,
  ): Promise<boolean> {
    const { state, pause, turn, place } = this.task;
    const nowMs = Date.now();
    const sinceMs = this.sinceMs ?? nowMs;
    const pauseMs = pauseBeforeLookMs(this.job, awaited, { nowMs, waitedMs: nowMs - sinceMs });
    if (pauseMs === null) return false;
    this.sinceMs = sinceMs;
    this.seen = awaited.flatMap(({ seen }) => seen ?? []);
    await turn.giveUp();
    await place.giveBack();
    await continueIfLong();
    for (const { restorePointId } of awaited)
      state.note(`restore point ${restorePointId} was in progress and was awaited`);
    const waitsUntil = new Date(nowMs + pauseMs).toISOString();
    const shown = { state: 'waiting', waitsFor: 'point', reason, waitsUntil } as const;
    state.show(shown, reason ?? 'waiting for a restore point');
    await sleep(pauseMs);
    await pause.whilePaused();
    state.show({ waitsFor: null, reason: null, waitsUntil: null }, 'looking again');
    return true;
  }
}
