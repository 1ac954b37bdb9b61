import { BackupError } from '../src/domain/errors.js';
import type { BrowsePage, UnreadablePart } from '../src/domain/repository-view.js';
import { jsonBytes } from '../src/domain/task-brief.js';

/** Unreadable parts that are named one by one: about 500 bytes each. */
const MAX_UNREADABLE = 500;

/** What the items of a page take at most, as JSON: a machine may have hundreds of disks. A single item may take more. */
const PAGE_BYTES = 1_000_000;

/** The cursor is the number of items before the page. What cannot be read comes with the first one. */
export function page<Item>(
  items: readonly Item[],
  cursor: string | undefined,
  size: number,
  unreadable: readonly UnreadablePart[],
): BrowsePage<Item> {
  const first = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isSafeInteger(first) || first < 0)
    throw new BackupError('REQUEST_INVALID', `"${cursor ?? ''}" is not a cursor of this list`);
  let bytes = 0;
  const isFull = (item: Item, at: number) => (bytes += jsonBytes(item)) > PAGE_BYTES && at > 0;
  const wanted = items.slice(first, first + size);
  const end = wanted.findIndex(isFull);
  const part = end < 0 ? wanted : wanted.slice(0, end);
  const next = first + part.length;
  return {
    items: part,
    ...(next < items.length ? { nextCursor: String(next) } : {}),
    ...(first === 0 && unreadable.length > 0
      ? { unreadable: unreadable.slice(0, MAX_UNREADABLE) }
      : {}),
  };
}
