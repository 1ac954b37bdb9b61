/** Whether the server answers. What is on the screen stays there while it does not, and says so. */

import { observable } from './observable.js';

/** Epoch milliseconds of the first call without an answer; null: the last call was answered. */
export const silentSince = observable<number | null>(null);

export function answered(): void {
  silentSince.set(null);
}

export function unanswered(): void {
  if (silentSince.get() === null) silentSince.set(Date.now());
}
