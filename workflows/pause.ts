import { CancellationScope, condition } from '@temporalio/workflow';
import type { TaskState } from './task-state.js';

/** Pause and resume in the middle of work: a pause stops what runs at its durable position, and it is taken up from there. */
export class Pause {
  private isPaused = false;
  private running: CancellationScope | null = null;

  constructor(private readonly state: TaskState) {}

  set(paused: boolean): void {
    this.isPaused = paused;
    if (paused) this.running?.cancel();
  }

  /** Runs `work`, again after each pause. @throws what `work` throws, unless a pause stopped it */
  async pausable<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.whilePaused();
      const scope = new CancellationScope();
      this.running = scope;
      try {
        return await scope.run(work);
      } catch (error) {
        // Not `isPaused`: the resume may come before what runs has come to rest.
        const wasPaused =
          scope.consideredCancelled && !CancellationScope.current().consideredCancelled;
        if (!wasPaused) throw error;
      } finally {
        this.running = null;
      }
    }
  }

  async whilePaused(): Promise<void> {
    if (!this.isPaused) return;
    const { state } = this.state.task;
    this.state.show({ state: 'paused' }, 'paused');
    await condition(() => !this.isPaused);
    this.state.show({ state }, 'resumed');
  }
}
