/** What holds a task or a session up. Pure. */

import type { WaitCause } from './wait-cause.js';
import type { CopyTask } from './copy-session.js';
import { sharesOf, sumTimes, type MoverPart, type MoverTimes } from './mover-times.js';

export type Bottleneck = MoverPart | WaitCause | 'storage';

/** As pages, mails and the command line say it. */
export const BOTTLENECK_WORDS: Readonly<Record<Bottleneck, string>> = {
  source: 'reading the source',
  target: 'writing the target',
  limit: 'a rate limit',
  processor: 'the processor',
  turn: 'waiting for its turn',
  hours: 'waiting for the allowed hours',
  point: 'waiting for a restore point to be whole',
  pause: 'paused',
  retry: 'a step that is tried again',
  storage: 'storage that does not answer',
};

/** What takes most of the time of a copy that moves; null: too little was measured. */
export function slowestPart(times: MoverTimes | null): MoverPart | null {
  return sharesOf(times)[0]?.part ?? null;
}

/** What nothing goes on for, whatever the task is at; null: nothing. */
export type Hold = Extract<Bottleneck, 'storage' | 'retry'> | null;

/** The try that is under way and stands says more than that one failed before. */
export function holdOf({
  waits,
  retry,
}: {
  readonly waits: object | null;
  readonly retry: object | null;
}): Hold {
  if (waits !== null) return 'storage';
  return retry === null ? null : 'retry';
}

/** @param recent of the batch that is in work, of which alone is told what holds it up now; null: nothing is known of it, and the whole task is looked at
 *  @returns of a task that has ended what held it up most; null: not known, or it is at something that is not measured */
export function bottleneckOf(
  { state, waitsFor, moverTimes }: Pick<CopyTask, 'state' | 'waitsFor' | 'moverTimes'>,
  recent: MoverTimes | null,
  hold: Hold,
): Bottleneck | null {
  if (hold !== null) return hold;
  if (state === 'paused') return 'pause';
  if (state === 'waiting') return waitsFor;
  if (state === 'ended') return slowestPart(moverTimes);
  if (state !== 'copying' && state !== 'planning') return null;
  return slowestPart(recent) ?? slowestPart(moverTimes);
}

const MOVING: readonly (Bottleneck | null)[] = ['source', 'target', 'limit', 'processor'];

/** Of a session: what holds up those of its tasks that move; when none does, what all of them wait for. */
export function bottleneckOfAll(
  tasks: readonly (Pick<CopyTask, 'state' | 'moverTimes'> & {
    readonly bottleneck: Bottleneck | null;
  })[],
): Bottleneck | null {
  const active = tasks.filter(({ state }) => state !== 'ended');
  if (active.length === 0) return slowestPart(sumTimes(tasks.map((task) => task.moverTimes)));
  const moving = active.filter(({ bottleneck }) => MOVING.includes(bottleneck));
  const [first] = moving;
  if (first !== undefined && moving.every(({ bottleneck }) => bottleneck === first.bottleneck))
    return first.bottleneck;
  if (first !== undefined) return slowestPart(sumTimes(moving.map((task) => task.moverTimes)));
  const [waiting, ...others] = active.map(({ bottleneck }) => bottleneck);
  return others.every((cause) => cause === waiting) ? (waiting ?? null) : null;
}
