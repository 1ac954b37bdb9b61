/** What whoever looks at the page is refused: no control offers it to him. The server says so, from the same table with which it refuses. */

import type { MeView } from '../../api/access/access-routes.js';
import { refusalIn } from './refusal-in.js';
import { EVERY, useApi } from './queries.js';

export function useMe() {
  return useApi<MeView>('/me', { everyMs: EVERY.minute, freshMs: EVERY.usual });
}

/** @param path that would be called, below the base path
 *  @param field of the body that needs more than the call itself
 *  @returns why he may not; null: he may, or it is not known yet, and the server refuses it */
export function useRefusal(method: string, path: string, field?: string): string | null {
  return refusalIn(useMe().data?.refusals ?? [], { method, path, field: field ?? null });
}
