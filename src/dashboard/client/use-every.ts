import { useObservable } from './observable.js';
import { EVERY } from './queries.js';
import { isSiteFollowed } from './site-stream.js';

/** Milliseconds between two reads of what events of the site tell of: while these come, only how far something is has to be asked for.
 *  @param aloneMs without them */
export function useEvery(aloneMs: number): number {
  return Math.max(aloneMs, useObservable(isSiteFollowed) ? EVERY.usual : 0);
}
