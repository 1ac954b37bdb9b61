import { RUN_BYTES } from './block-reader.js';

/** Buffers of 1 MiB that were given back in this thread. */
const idle: Buffer[] = [];

/** A buffer of 1 MiB with any content, for one worker at a time. Each thread keeps its own: the collector frees native memory so late
 *  that new ones for every batch made the process grow by 5 MiB a batch, up to twice its size (docs/PERFORMANCE.md, Memory). */
export function takeRunBuffer(): Buffer {
  return idle.pop() ?? Buffer.alloc(RUN_BYTES);
}

/** The buffer must not be used any more. */
export function giveRunBuffer(buffer: Buffer): void {
  idle.push(buffer);
}
