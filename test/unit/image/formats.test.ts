import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../src/image/byte-source.js';
import { IMAGE_FORMATS, openImage } from '../../../src/image/formats.js';

/** A file of zeros. */
const file: ByteSource = {
  label: 'vm/disk',
  sizeBytes: 65_536,
  read: (target) => {
    target.fill(0);
    return Promise.resolve();
  },
};

describe('openImage', () => {
  // A commit record or a plan is JSON: nothing but this look keeps a third format out.
  it.each(['vmdk4', 'cow', '', 'QCOW2', 'toString', '__proto__', undefined, null, 7])(
    'refuses the format %j instead of reading it as raw',
    async (format) => {
      await expect(openImage(file, format as string)).rejects.toMatchObject({
        code: 'IMAGE_FORMAT_UNKNOWN',
        message: expect.stringContaining('vm/disk') as string,
      });
    },
  );

  it('reads a raw file as it is, and expects of qcow2 its magic', async () => {
    expect((await openImage(file, 'raw')).format).toBe('raw');
    await expect(openImage(file, 'qcow2')).rejects.toMatchObject({ code: 'IMAGE_MAGIC_MISSING' });
  });
});

describe('the rows of formats', () => {
  // A synthetic full takes the place of an increment under its very name, which is in the files that build on it.
  it('compose fulls wherever they compose increments', () => {
    const composers = IMAGE_FORMATS.flatMap(({ composer }) => composer ?? []);
    for (const { kinds } of composers.map(({ traits }) => traits({}, 'increment')))
      expect(kinds.includes('full') || !kinds.includes('increment')).toBe(true);
  });

  // Kinds of one format share an ending: streamOptimized and other VMDK.
  it('have ids of their own, which stand in records', () => {
    const ids = IMAGE_FORMATS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
