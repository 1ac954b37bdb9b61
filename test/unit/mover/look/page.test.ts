import { describe, expect, it } from 'vitest';
import { page as pageOf } from '../../../../src/mover/look/page.js';
import type { BrowsePage } from '../../../../src/domain/targets/repository-view.js';

/** Limit of a payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

function page<Item>(
  items: readonly Item[],
  cursor: string | undefined,
  size: number,
  unreadable: never[] = [],
): BrowsePage<Item> {
  return pageOf(items, (item) => JSON.stringify(item).slice(0, 200), cursor, size, unreadable);
}

function all(items: readonly unknown[], size: number): { pages: number[]; found: unknown[] } {
  const pages: number[] = [];
  const found: unknown[] = [];
  let cursor: string | undefined;
  do {
    const { items: part, nextCursor }: BrowsePage<unknown> = page(items, cursor, size);
    expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(PAYLOAD_BYTES);
    pages.push(part.length);
    found.push(...part);
    cursor = nextCursor;
  } while (cursor !== undefined);
  return { pages, found };
}

describe('a page of a list', () => {
  it('holds as many items as asked for, and names where the next one begins', () => {
    const { pages, found } = all([1, 2, 3, 4, 5], 2);
    expect(pages).toEqual([2, 2, 1]);
    expect(found).toEqual([1, 2, 3, 4, 5]);
  });

  it('stays below the limit of a payload when each point has many disks', () => {
    const files = Array.from({ length: 60 }, (_, n) => ({ disk: `${n}`, path: '目'.repeat(60) }));
    const points = Array.from({ length: 500 }, (_, id) => ({ id, files }));
    const { pages, found } = all(points, 500);
    expect(pages.length).toBeGreaterThan(1);
    expect(found).toEqual(points);
  });

  it('holds one item that is larger than a page should be', () => {
    const { pages } = all(['x'.repeat(1_500_000), 'y'.repeat(1_500_000)], 500);
    expect(pages).toEqual([1, 1]);
  });

  it('names what cannot be read once, with the first part', () => {
    const unreadable = [{ path: 'a', code: 'METADATA_CORRUPT', reason: 'cut' }] as never[];
    const first = page([1, 2], undefined, 1, unreadable);
    expect(first).toMatchObject({ items: [1], unreadable });
    expect(page([1, 2], first.nextCursor, 1, unreadable)).toEqual({ items: [2] });
  });

  it.each([
    ['an item before it goes', [1, 3, 4, 5, 6]],
    ['the last item before it goes', [1, 2, 4, 5, 6]],
    ['all but one before it go', [2, 4, 5, 6]],
    ['an item comes before it', [1, 2, 2.5, 3, 4, 5, 6]],
  ])('begins where the one before has ended when %s meanwhile', (_, meanwhile) => {
    const { nextCursor } = page([1, 2, 3, 4, 5, 6], undefined, 3);
    expect(page(meanwhile, nextCursor, 3).items).toEqual([4, 5, 6]);
  });

  it('does not guess where it begins when all before it is gone', () => {
    const { nextCursor } = page([1, 2, 3, 4], undefined, 2);
    expect(() => page([3, 4], nextCursor, 2)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
    );
  });

  it('shows items that have the same id, each once', () => {
    expect(all([1, 1, 1, 2], 1).found).toEqual([1, 1, 1, 2]);
  });

  it('says how many it does not name of very many that cannot be read', () => {
    const unreadable = Array.from({ length: 600 }, (_, n) => ({
      path: `${n}`,
      code: 'METADATA_CORRUPT',
      reason: 'cut',
    }));
    const { unreadable: named } = page([1], undefined, 1, unreadable as never[]);
    expect(named).toHaveLength(501);
    expect(named!.at(-1)).toMatchObject({ path: '500', reason: 'cut; 99 more are not named here' });
  });

  it.each(['-1', '1.5', 'next'])('refuses the cursor %s', (cursor) => {
    expect(() => page([1], cursor, 1)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
    );
  });
});
