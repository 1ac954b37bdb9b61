import { WINDOW_BYTES } from '../../domain/targets/digest.js';
import type { MoverContext } from './mover-context.js';
import type { WindowRange } from './window-runs.js';

/** A window whose result need not be durable yet. */
export interface DoneWindow {
  /** What was read for it, at most `WINDOW_BYTES`: what a kill before it is marked has read and written again. */
  readonly bytes: number;
  /** Marks it as done, for when its result is durable. */
  readonly mark: () => Promise<void>;
}

/** Work on one disk, cut into windows that can be done in any order and repeated without harm. */
export interface WindowWorker {
  /** Does one window. */
  process(window: number): Promise<DoneWindow>;
  /** Makes the results of all windows done so far durable, if what they were read from is still what it was. Goes on while the next window is
   *  worked on. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What all loops on one disk have begun and not marked as done is the most that is copied again after a kill: 64 MiB however many cores
 *  there are. */
const MAX_UNMARKED_BYTES = 64 * 1024 * 1024;
const MAX_UNMARKED_WINDOWS = MAX_UNMARKED_BYTES / WINDOW_BYTES;

/** A loop has windows in work and windows that are being made durable. */
const UNMARKED_SHARES = 2;
export const MAX_LOOPS = MAX_UNMARKED_WINDOWS / UNMARKED_SHARES;

/** Windows that are marked together at most, where they hold next to nothing: to find that out once more takes a moment. */
export const MAX_MARKED_TOGETHER = 1_024;

/** What each of `loops` loops makes durable together at most: 16 MiB where there are two. */
export function bytesOfASync(loops: number): number {
  return Math.max(WINDOW_BYTES, Math.floor(MAX_UNMARKED_BYTES / UNMARKED_SHARES / loops));
}

/** Claims windows until none is left; several loops share one range. What the storage can take is not held back at the begin and at the end of a
 *  disk: it has something to do from the first window on, and little is left when the last one is done. Windows in which there was nothing to read
 *  wait for others: a disk of 2 TiB with a block here and there has 262,144. */
export async function runWindowLoop(
  context: MoverContext,
  range: WindowRange,
  bytesOfASync: number,
  open: () => Promise<WindowWorker>,
): Promise<void> {
  let worker: WindowWorker | null = null;
  const marks: DoneWindow['mark'][] = [];
  let unmarkedBytes = 0;
  let settling = Promise.resolve();
  let isSettling = false;
  let isFirst = true;
  try {
    for (;;) {
      context.control.throwIfStopped();
      const window = range.claim();
      if (window === undefined) break;
      worker ??= await open();
      const opened = worker;
      const { bytes, mark } = await context.control.timed('loopNs', () => opened.process(window));
      marks.push(mark);
      unmarkedBytes += bytes;
      const mayBeEarly = !isSettling && (isFirst || range.left <= MAX_UNMARKED_WINDOWS);
      const isFull = unmarkedBytes + WINDOW_BYTES > bytesOfASync;
      if ((unmarkedBytes > 0 && (mayBeEarly || isFull)) || marks.length === MAX_MARKED_TOGETHER) {
        await waitForTarget(context, () => settling);
        isFirst = false;
        isSettling = true;
        unmarkedBytes = 0;
        settling = settle(worker, marks.splice(0)).finally(() => (isSettling = false));
        settling.catch(() => undefined); // thrown where it is awaited
      }
      await new Promise(setImmediate); // native add-ons free their memory only when the event loop turns
    }
    await waitForTarget(context, async () => {
      await settling;
      if (worker !== null && marks.length > 0) await settle(worker, marks);
    });
  } finally {
    await Promise.allSettled([settling]);
    await worker?.close();
  }
}

/** The loop stands still until what it wrote is durable. */
function waitForTarget({ control }: MoverContext, settled: () => Promise<void>): Promise<void> {
  return control.timed('loopNs', () => control.timed('targetNs', settled));
}

/** Durable first, marked then (docs/FORMAT.md, Order, W1). */
async function settle(worker: WindowWorker, marks: readonly DoneWindow['mark'][]): Promise<void> {
  await worker.sync();
  for (const mark of marks) await mark();
}
