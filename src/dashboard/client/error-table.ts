/** Meaning and next step of each error code, as the server documents them. */

import type { ErrorTableEntry } from '../../api/error-routes.js';
import { useApi } from './queries.js';

const HOUR_MS = 3_600_000;

export function useErrorTable(): { hintOf(code: string): string | null } {
  const { data } = useApi<{ items: ErrorTableEntry[] }>('/errors', {
    everyMs: null,
    freshMs: HOUR_MS,
  });
  return { hintOf: (code) => data?.items.find((entry) => entry.code === code)?.hint ?? null };
}
