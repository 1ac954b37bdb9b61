/** How much a data mover thread may hold, and what is said of one that wanted more. */

import { getHeapStatistics } from 'node:v8';
import type { ResourceLimits } from 'node:worker_threads';
import { BackupError } from '../domain/errors.js';

/** What a thread makes for a block lives shortly: more room for it than this only lets garbage lie (docs/PERFORMANCE.md, Memory). */
const YOUNG_GENERATION_MIB = 4;
/** What has outlived that is looked through when it has grown by half, and not, as where a heap may take 4 GiB, by three times (docs/PERFORMANCE.md, Memory). It is also
 *  the most that a thread may hold that works on one workload at a time. */
const OLD_GENERATION_MIB = 1024;

/** `copies`: of one workload at a time. `lists`: of all that a source or a target holds, at once. */
export type ThreadWork = 'copies' | 'lists';

/** What was given to the process by hand holds for each of its threads. */
interface ProcessHeap {
  readonly limitMiB: number;
  readonly isSetByHand: boolean;
}

export function heapOfProcess(): ProcessHeap {
  // eslint-disable-next-line no-restricted-properties -- a setting of Node, which says nowhere else whether it was set
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  return {
    limitMiB: Math.floor(getHeapStatistics().heap_size_limit / 2 ** 20),
    isSetByHand: /--max[-_]old[-_]space[-_]size/.test(options),
  };
}

export function memoryOf(work: ThreadWork, { limitMiB, isSetByHand }: ProcessHeap): ResourceLimits {
  const mayHoldMore = work === 'lists' || isSetByHand;
  return {
    maxOldGenerationSizeMb: mayHoldMore
      ? Math.max(OLD_GENERATION_MIB, limitMiB)
      : OLD_GENERATION_MIB,
    ...(work === 'lists' ? {} : { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB }),
  };
}

/** What ended a thread, in our words where a user can do something about it. */
export function threadFailure(error: unknown, { maxOldGenerationSizeMb }: ResourceLimits): unknown {
  const isMemory = error instanceof Error && 'code' in error && error.code === OUT_OF_MEMORY;
  if (!isMemory) return error;
  return new BackupError(
    'WORKER_OUT_OF_MEMORY',
    `a thread of the worker needed more memory than it may have (${maxOldGenerationSizeMb} MiB)`,
    { cause: error },
  );
}

/** Of Node (nodejs.org/api/errors.html). */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
