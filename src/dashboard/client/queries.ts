/** What pages read of the API, and how often. */

import { QueryClient, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ApiError } from './call-api.js';
import { readApi, send } from './call-api.js';

/** Milliseconds between two reads of the same thing while its page is open. */
export const EVERY = { second: 1_000, few: 5_000, usual: 15_000, minute: 60_000 } as const;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // The next look comes anyway; an error that the server explains will not pass by itself.
      retry: false,
      refetchOnWindowFocus: true,
      // The server may be this machine: a browser that is offline can reach it.
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

interface Reading<Content = never> {
  /** null: once. */
  readonly everyMs?: number | null;
  /** Whether more of it is known in a moment, so that it is asked for again every second. */
  readonly isComing?: (content: Content) => boolean;
  readonly isWanted?: boolean;
  /** Milliseconds for which an answer is not asked for again. */
  readonly freshMs?: number;
  /** Of what the answer is reckoned from: that of another one is no answer. */
  readonly revision?: number;
}

/** Follows the answer of one path. The last answer stays while the next one fails. */
export function useApi<Content>(
  path: string,
  {
    everyMs = EVERY.usual,
    isComing,
    isWanted = true,
    freshMs = 2_000,
    revision,
  }: Reading<Content> = {},
): UseQueryResult<Content, ApiError> {
  return useQuery<Content, ApiError>({
    queryKey: revision === undefined ? [path] : [path, revision],
    queryFn: ({ signal }) => readApi<Content>(path, signal),
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && isComing?.(data) === true ? EVERY.second : (everyMs ?? false),
    enabled: isWanted,
    staleTime: freshMs,
    meta: { isReadOnce: everyMs === null },
  });
}

/** Of `/readyz`, which answers with 503 and the same content when something is missing. */
interface Readiness {
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
}

export function useReadiness(): UseQueryResult<Readiness, ApiError> {
  return useQuery<Readiness, ApiError>({
    queryKey: ['/readyz'],
    queryFn: async ({ signal }) =>
      (await (await send('/readyz', { signal, accepts: [503] })).json()) as Readiness,
    refetchInterval: EVERY.usual,
  });
}

/** Every item of a list that the API gives in pages; a part that several of them cannot read is named once. */
async function allPages<Item>(path: string, signal?: AbortSignal): Promise<WholeList<Item>> {
  const items: Item[] = [];
  let asOf: string | null = null;
  const unreadable = new Map<string, UnreadablePart>();
  for (let cursor: string | undefined; ;) {
    const page: ApiPage<Item> = await readApi(withQuery(path, { cursor }), signal);
    items.push(...page.items);
    for (const part of page.unreadable ?? []) unreadable.set(part.path, part);
    const pageAsOf = page.asOf ?? null;
    if (asOf === null || (pageAsOf !== null && pageAsOf < asOf)) asOf = pageAsOf;
    cursor = page.nextCursor;
    if (cursor === undefined) return { items, unreadable: [...unreadable.values()], asOf };
  }
}

export function useAllPages<Item>(
  path: string,
  { everyMs = EVERY.minute, isWanted = true }: Reading = {},
): UseQueryResult<WholeList<Item>, ApiError> {
  return useQuery<WholeList<Item>, ApiError>({
    queryKey: [path, 'all'],
    queryFn: ({ signal }) => allPages<Item>(path, signal),
    // What lacks a part may soon be whole, as after the start of the service.
    refetchInterval: ({ state: { data } }) =>
      everyMs === EVERY.minute && (data?.unreadable.length ?? 0) > 0
        ? EVERY.usual
        : (everyMs ?? false),
    enabled: isWanted,
  });
}

/** A part of the storage that could not be read and is missing from a list. */
export interface UnreadablePart {
  readonly path: string;
  readonly code: string;
  readonly reason: string;
}

export interface ApiPage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  readonly unreadable?: readonly UnreadablePart[];
  /** When what it tells was seen, where that is not the moment of the answer. */
  readonly asOf?: string | null;
}

/** All pages of a list. */
export interface WholeList<Item> {
  readonly items: Item[];
  readonly unreadable: UnreadablePart[];
  /** Of the oldest look of all pages. */
  readonly asOf: string | null;
}

/** Epoch milliseconds of what an answer tells; null: of nothing yet. */
export function asOfMs(answer: { readonly asOf: string | null } | undefined): number | null {
  return answer === undefined || answer.asOf === null ? null : Date.parse(answer.asOf);
}

/** Adds to the query that a path has; leaves out what is undefined or empty. */
export function withQuery(
  path: string,
  fields: Readonly<Record<string, string | null | undefined>>,
): string {
  const [place = '', present = ''] = path.split('?');
  const query = new URLSearchParams(present);
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== null && value !== '') query.set(name, value);
  const text = query.toString();
  return text === '' ? place : `${place}?${text}`;
}
