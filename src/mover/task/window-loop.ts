import type { MoverContext } from './mover-context.js';

/** Work on one disk, cut into windows that can be done in any order and repeated without harm. */
export interface WindowWorker {
  /** Does one window.
   *  @returns makes its result durable and marks it as done; that goes on while the next window is worked on */
  process(window: number): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Windows of one disk, without those that are done, for loops on several threads: each is handed out once. A task that works on several
 *  disks has a range for each. */
export class WindowRange {
  private readonly next: Int32Array;

  constructor(
    readonly windows: readonly number[],
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.next = new Int32Array(shared);
  }

  /** undefined: none is left. */
  claim(): number | undefined {
    return this.windows[Atomics.add(this.next, 0, 1)];
  }
}

/** Windows that one loop has begun and not marked as done: one in work and one that is being made durable. */
export const WINDOWS_OF_A_LOOP = 2;

/** Claims windows until none is left; several loops share one range. */
export async function runWindowLoop(
  context: MoverContext,
  range: WindowRange,
  open: () => Promise<WindowWorker>,
): Promise<void> {
  let worker: WindowWorker | null = null;
  let settling = Promise.resolve();
  try {
    for (;;) {
      context.control.throwIfStopped();
      const window = range.claim();
      if (window === undefined) break;
      worker ??= await open();
      const settle = await worker.process(window);
      await settling;
      settling = settle();
      settling.catch(() => undefined); // thrown where it is awaited
      await new Promise(setImmediate); // native add-ons free their memory only when the event loop turns
    }
    await settling;
  } finally {
    await Promise.allSettled([settling]);
    await worker?.close();
  }
}
