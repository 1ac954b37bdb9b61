import { CancellationScope, condition } from '@temporalio/workflow';
import { utcText } from '../../src/domain/schedules/calendar-date.js';
import { OUTSIDE_HOURS, type Hold } from '../../src/domain/sessions/copy-session.js';
import { isOutOfTries } from '../failures.js';
import type { CopyTaskState } from './task-state.js';
import type { Turn } from '../turn.js';

/** Pause and resume in the middle of work, by an operator or by the hours of the job: a pause stops what runs at its durable position, gives
 *  the workload's turn to others, and the work is taken up from there. */
export class Pause {
  private hold: Hold | null = null;
  private running: CancellationScope | null = null;

  constructor(
    private readonly state: CopyTaskState,
    private readonly turn: Turn,
  ) {}

  /** @param hold null: it may go on */
  set(hold: Hold | null): void {
    this.hold = hold;
    if (hold === null) return;
    if (this.running === null) void this.turn.giveUp();
    else this.running.cancel();
  }

  /** As `pausable`, for an activity that ends after the tries of a turn (`dataTries`): it is scheduled again, behind others that wait, until its tries have
   *  taken `limitMs` together. @throws what the last try threw */
  async untilDone<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    let spentMs = 0;
    for (;;) {
      let startedMs = 0;
      try {
        return await this.pausable(() => {
          startedMs = Date.now();
          return work();
        });
      } catch (error) {
        spentMs += Date.now() - startedMs;
        if (!isOutOfTries(error) || spentMs >= limitMs) throw error;
        await this.turn.giveUpIfLong();
      }
    }
  }

  /** Runs `work` when it is the workload's turn, again after each pause. @throws what `work` throws, unless a pause stopped it */
  async pausable<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.whilePaused();
      await this.turn.take();
      if (this.hold !== null) continue;
      const scope = new CancellationScope();
      this.running = scope;
      try {
        return await scope.run(work);
      } catch (error) {
        // Not `hold`: the resume may come before what runs has come to rest.
        const wasPaused =
          scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
        if (!wasPaused) throw error;
      } finally {
        this.running = null;
      }
    }
  }

  async whilePaused(): Promise<void> {
    if (this.hold === null) return;
    await this.turn.giveUp();
    const { state, waitsFor, reason, waitsUntil } = this.state.task;
    while (this.hold !== null) {
      const { hold } = this;
      this.show(hold);
      await condition(() => this.hold !== hold);
    }
    this.state.show({ state, waitsFor, reason, waitsUntil }, 'resumed');
  }

  private show(hold: Hold): void {
    if (hold.type === 'paused')
      this.state.show(
        { state: 'paused', waitsFor: 'pause', reason: null, waitsUntil: null },
        'paused',
      );
    else {
      const { until } = hold;
      const shown = { state: 'waiting', waitsFor: 'hours', reason: OUTSIDE_HOURS } as const;
      this.state.show(
        { ...shown, waitsUntil: until },
        `${OUTSIDE_HOURS}, until ${utcText(Date.parse(until))}`,
      );
    }
  }
}
