/** The time, for "12 s ago": one clock for the whole page. */

import { observable, useObservable } from './observable.js';

const TICK_MS = 1_000;
const nowMs = observable(Date.now());
setInterval(() => nowMs.set(Date.now()), TICK_MS);

/** Epoch milliseconds, new every second. */
export function useNow(): number {
  return useObservable(nowMs);
}
