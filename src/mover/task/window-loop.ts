import type { MoverContext } from './mover-context.js';

/** Work on one disk, cut into windows that can be done in any order and repeated without harm. */
export interface WindowWorker {
  /** Does one window; when it returns, its result is durable and marked as done. */
  process(window: number): Promise<void>;
  close(): Promise<void>;
}

/** A range of windows, without those that are done. */
export interface WindowRange {
  readonly windows: readonly number[];
}

/** Claims windows from the task's shared counter until none is left; several loops share one task. */
export async function runWindowLoop(
  context: MoverContext,
  range: WindowRange,
  open: () => Promise<WindowWorker>,
): Promise<void> {
  let worker: WindowWorker | null = null;
  try {
    for (;;) {
      context.control.throwIfStopped();
      const window = range.windows[context.control.claim()];
      if (window === undefined) return;
      worker ??= await open();
      await worker.process(window);
      await new Promise(setImmediate); // native add-ons free their memory only when the event loop turns
    }
  } finally {
    await worker?.close();
  }
}
