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
  let bytes = 0;
  const isFull = (item: Item, at: number) => (bytes += jsonBytes(item)) > PAGE_BYTES && at > 0;
  const wanted = items.slice(first, first + size);
  const end = wanted.findIndex(isFull);
  const part = end < 0 ? wanted : wanted.slice(0, end);
  const next = first + part.length;
  return {
    items: part,
    ...(next < items.length
      ? { nextCursor: marks.slice(Math.max(0, next - MARKS), next).join('') }
      : {}),
    ...(cursor === undefined && unreadable.length > 0 ? { unreadable: bounded(unreadable) } : {}),
  };
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
