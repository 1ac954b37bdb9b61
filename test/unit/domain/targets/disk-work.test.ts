import { describe, expect, it } from 'vitest';
import {
  batchBytesOf,
  batchesOf,
  doneBytesOf,
  openAtByte,
  workBytesOf,
} from '../../../../src/domain/targets/disk-work.js';

const KIB_64 = 65_536;

describe('the work on a disk', () => {
  const all = { disk: 'vda', blockCount: 1_000, windowCount: 8, firstOpenWindow: 3 };
  const thin = { ...all, copied: { blockCount: 10, doneBlocks: 4 } };
  const [part] = [...batchesOf(all, 2)];

  it('is all of its blocks, of which windows of 128 are done one after the other', () => {
    expect([workBytesOf(all), doneBytesOf(all), openAtByte(all)]).toEqual([
      1_000 * KIB_64,
      384 * KIB_64,
      384 * KIB_64,
    ]);
    expect(batchBytesOf(all, part!, { processedBytes: KIB_64 })).toBe(256 * KIB_64);
  });

  it('is only what is copied where slots stay empty, and goes on at the same place', () => {
    expect([workBytesOf(thin), doneBytesOf(thin), openAtByte(thin)]).toEqual([
      10 * KIB_64,
      4 * KIB_64,
      384 * KIB_64,
    ]);
  });

  it('grows by what a batch has copied, in this attempt and in those before it', () => {
    const counts = { processedBytes: 2 * KIB_64 };
    expect(batchBytesOf(thin, part!, counts)).toBe(2 * KIB_64);
    expect(batchBytesOf(thin, part!, { ...counts, resumedBytes: KIB_64 })).toBe(3 * KIB_64);
  });
});
