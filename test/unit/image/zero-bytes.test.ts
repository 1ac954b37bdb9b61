import { describe, expect, it } from 'vitest';
import { lastNonZero } from '../../../src/image/zero-bytes.js';

describe('the last byte that is not 0', () => {
  it('is found wherever it lies, also across the pieces that are compared at once', () => {
    for (const length of [1, 7, 4_095, 4_096, 4_097, 12_288, 20_000])
      for (const place of [0, 1, length >> 1, length - 2, length - 1].filter(
        (at) => at >= 0 && at < length,
      )) {
        const bytes = new Uint8Array(length);
        bytes[place] = 1;
        expect(lastNonZero(bytes), `${place} of ${length}`).toBe(place);
        bytes.fill(0xff, 0, place);
        expect(lastNonZero(bytes), `${place} of ${length}, all before it set`).toBe(place);
      }
  });

  it('is -1 where there is none', () => {
    for (const length of [0, 1, 4_096, 9_000]) expect(lastNonZero(new Uint8Array(length))).toBe(-1);
  });
});
