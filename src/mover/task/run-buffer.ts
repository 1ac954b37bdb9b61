import { BLOCK_BYTES } from '../../domain/digest.js';

/** 1 MiB: smaller reads cost up to four times the time (docs/PERFORMANCE.md, Units). */
export const RUN_BLOCKS = 16;
export const RUN_BYTES = RUN_BLOCKS * BLOCK_BYTES;

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
