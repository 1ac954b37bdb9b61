import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { isBackupError } from '../../../src/domain/errors.js';
import { memoryOf, threadFailure } from '../../../src/mover/thread-memory.js';

it.each([
  ['copies', { limitMiB: 4_144, isSetByHand: false }, 1_024],
  ['copies', { limitMiB: 8_240, isSetByHand: true }, 8_240],
  ['lists', { limitMiB: 4_144, isSetByHand: false }, 4_144],
  ['lists', { limitMiB: 560, isSetByHand: true }, 1_024],
] as const)('a thread of %s in a process of %o may hold %i MiB', (work, heap, limitMiB) => {
  expect(memoryOf(work, heap).maxOldGenerationSizeMb).toBe(limitMiB);
});

it('what ended a thread for want of memory has a code, and nothing else has it', async () => {
  const memory = { maxOldGenerationSizeMb: 16 };
  const hoard = 'const all = []; for (;;) all.push(new Array(1_000).fill({}))';
  const worker = new Worker(hoard, { eval: true, resourceLimits: memory });
  const [error] = await once(worker, 'error').catch((error: unknown) => [error]);
  const told = threadFailure(error, memory);
  expect(isBackupError(told, 'WORKER_OUT_OF_MEMORY') && told.message).toContain('16 MiB');
  const bug = new TypeError('x is none');
  expect(threadFailure(bug, memory)).toBe(bug);
});
