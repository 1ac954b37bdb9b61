import { describe, expect, it } from 'vitest';
import { page } from '../../../activities/browse-page.js';

/** Limit of a payload. Source: Temporal, blobSizeLimitError. */
const PAYLOAD_BYTES = 2 * 1024 * 1024;

function all(items: readonly unknown[], size: number): { pages: number[]; found: unknown[] } {
  const pages: number[] = [];
  const found: unknown[] = [];
  for (let cursor: string | undefined = '0'; cursor !== undefined;) {
    const { items: part, nextCursor }: ReturnType<typeof page> = page(items, cursor, size, []);
    expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(PAYLOAD_BYTES);
    pages.push(part.length);
    found.push(...part);
    cursor = nextCursor;
  }
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
    expect(page([1, 2], undefined, 1, unreadable)).toMatchObject({ nextCursor: '1', unreadable });
    expect(page([1, 2], '1', 1, unreadable)).toEqual({ items: [2] });
  });

  it.each(['-1', '1.5', 'next'])('refuses the cursor %s', (cursor) => {
    expect(() => page([1], cursor, 1, [])).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
    );
  });
});
