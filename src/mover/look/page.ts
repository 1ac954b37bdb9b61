import { createHash } from 'node:crypto';
import { BackupError } from '../../domain/errors.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { BrowsePage } from '../../domain/targets/repository-view.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';

/** Unreadable parts that are named one by one: about 500 bytes each. */
const MAX_UNREADABLE = 500;

/** What the items of a page take at most, as JSON: a machine may have hundreds of disks. A single item may take more. */
const PAGE_BYTES = 1_000_000;

/** So many items before a page may be gone, all but one, and it is known still where the page begins. */
const MARKS = 8;
const MARK_CHARACTERS = 16;

/** The cursor marks the last items before the page, so that what comes and goes meanwhile makes none skipped or shown twice. What cannot be
 *  read comes with the first page.
 *  @param idOf tells an item from the others, whatever else of it changes */
export function page<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string,
  cursor: string | undefined,
  size: number,
  unreadable: readonly UnreadablePart[],
): BrowsePage<Item> {
  const marks = marksOf(items, idOf);
  const first = cursor === undefined ? 0 : placeOf(cursor, marks);
  const part = fitting(items.slice(first, first + size));
  return {
    items: part,
    ...nextOf(marks, first + part.length),
    ...(cursor === undefined ? named(unreadable) : {}),
  };
}

/** The same for a list of what is shown only when it is on the page, because showing it costs more than knowing that it is there.
 *  @param show what becomes of each, in their order; null: it went meanwhile. What of it cannot be read comes with this page */
export async function shownPage<Listed, Item>(
  listed: readonly Listed[],
  idOf: (listed: Listed) => string,
  { cursor, size }: { readonly cursor: string | undefined; readonly size: number },
  unreadable: readonly UnreadablePart[],
  show: (
    wanted: readonly Listed[],
    unreadable: UnreadablePart[],
  ) => Promise<readonly (Item | null)[]>,
): Promise<BrowsePage<Item>> {
  const marks = marksOf(listed, idOf);
  const first = cursor === undefined ? 0 : placeOf(cursor, marks);
  const told = cursor === undefined ? [...unreadable] : [];
  const part = fitting(await show(listed.slice(first, first + size), told));
  return {
    items: part.flatMap((item) => (item === null ? [] : [item])),
    ...nextOf(marks, first + part.length),
    ...named(told),
  };
}

/** The first of them, as many as a page takes. */
function fitting<Item>(items: readonly Item[]): readonly Item[] {
  let bytes = 0;
  const end = items.findIndex((item, at) => (bytes += jsonBytes(item)) > PAGE_BYTES && at > 0);
  return end < 0 ? items : items.slice(0, end);
}

function nextOf(marks: readonly string[], next: number): { readonly nextCursor?: string } {
  if (next >= marks.length) return {};
  return { nextCursor: marks.slice(Math.max(0, next - MARKS), next).join('') };
}

function named(unreadable: readonly UnreadablePart[]): {
  readonly unreadable?: readonly UnreadablePart[];
} {
  return unreadable.length === 0 ? {} : { unreadable: bounded(unreadable) };
}

/** One for each item: of two with the same id, the second has another one. */
function marksOf<Item>(items: readonly Item[], idOf: (item: Item) => string): string[] {
  const counts = new Map<string, number>();
  return items.map((item) => {
    const id = idOf(item);
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    const digest = createHash('sha256').update(`${count} ${id}`).digest('hex');
    return digest.slice(0, MARK_CHARACTERS);
  });
}

/** Behind the last marked item that is still there.
 *  @throws REQUEST_INVALID when there is none */
function placeOf(cursor: string, marks: readonly string[]): number {
  const marked = new Set(cursor.match(/[0-9a-f]{16}/g));
  const last = marks.findLastIndex((mark) => marked.has(mark));
  if (last >= 0) return last + 1;
  throw new BackupError(
    'REQUEST_INVALID',
    `"${cursor}" is not a cursor of this list, or all that it marks is gone; begin with the first page`,
  );
}

function bounded(unreadable: readonly UnreadablePart[]): UnreadablePart[] {
  const rest = unreadable.slice(MAX_UNREADABLE);
  const [next] = rest;
  const named = unreadable.slice(0, MAX_UNREADABLE);
  return next === undefined
    ? named
    : [...named, { ...next, reason: `${next.reason}; ${rest.length - 1} more are not named here` }];
}
