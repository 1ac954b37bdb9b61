import { expect } from 'vitest';
import type { WorkerOptions } from './local-worker.js';

/** Of what each attempt says for itself, or draws at random. */
const VARYING = [
  ...['attempt', 'resumedFromBytes', 'moverTimes', 'spentMs', 'bytesPerSecond'],
  ...['readBytes', 'transferredBytes', 'reusedBytes', 'storedBytes', 'startedAt'],
];
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** The answer of the first attempt at each activity never comes, so that each is done twice. */
const EACH_TWICE: WorkerOptions = { losesAnswer: (_, attempt) => attempt === 1 };

/** Asks for the same end, and the same words, where every activity is done again after it has done all, because nobody got its answer.
 *  @param run prepares the world anew, and says what came of it: answers, and what lies on the storage
 *  @param told of it what counts; default: all */
export async function expectSameWithLostAnswers(
  run: (options: WorkerOptions) => Promise<unknown>,
  told: (end: unknown) => unknown = (end) => end,
): Promise<void> {
  const once = told(steady(await run({})));
  expect(told(steady(await run(EACH_TWICE)))).toEqual(once);
}

function steady(end: unknown): unknown {
  const text = JSON.stringify(end, (key, value: unknown) => {
    if (VARYING.includes(key)) return undefined;
    return key === 'notes' ? (value as string[]).filter((note) => !RESUMED.test(note)) : value;
  });
  return JSON.parse(text.replace(UUID, 'uuid'));
}

/** The work was taken up where it was: true, and no news that a run without a stop has. */
const RESUMED = /was taken up again at byte \d+$/;

/** A worker that does a step and dies before its answer is heard, and whose storage is away by then. */
export function givenUpAt(step: string): WorkerOptions {
  let begun = 0;
  return {
    losesAnswer: (name, attempt) => name === step && attempt === 1,
    beforeActivity: (name) =>
      name === step && begun++ > 0 ? Promise.reject(new Error('given up')) : Promise.resolve(),
  };
}

/** A step that is done, whose answer is lost, and whose second try is met by a stop. */
export function stoppedAt(step: string, stop: () => void): WorkerOptions {
  let isStopped = false;
  return {
    losesAnswer: (name) => {
      if (name !== step || isStopped) return false;
      isStopped = true;
      stop();
      return true;
    },
  };
}

/** A step that ends although a stop came while it was done. */
export function stoppedIn(step: string, stop: () => void): WorkerOptions {
  return {
    beforeActivity: (name) => {
      if (name === step) stop();
      return Promise.resolve();
    },
  };
}
