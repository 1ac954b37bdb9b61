/** Meaning and next step of each error code, as the server documents them. */

import type { ErrorTableEntry } from '../../api/error-routes.js';
import { useApi } from './queries.js';
import { HOUR_MS } from '../../domain/elapsed.js';

export function useErrorTable(): { hintOf(code: string): string | null } {
  const { data } = useApi<{ items: ErrorTableEntry[] }>('/errors', {
    everyMs: null,
    freshMs: HOUR_MS,
  });
  return { hintOf: (code) => data?.items.find((entry) => entry.code === code)?.hint ?? null };
}
