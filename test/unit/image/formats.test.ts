import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../src/image/byte-source.js';
import type { Dialect } from '../../../src/image/disk-image.js';
import {
  fullFormat,
  IMAGE_FORMATS,
  incrementFormat,
  openImage,
} from '../../../src/image/formats.js';

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

  it.each<[string, Dialect, number, string, string | null]>([
    ['vmdk', {}, 1.9, 'vmdk', 'vmdk'],
    ['vmdk', {}, 2, 'qcow2', 'qcow2'],
    ['vmdk', {}, 62, 'qcow2', 'qcow2'],
    ['vhd', { isFixed: true }, 1.9, 'vhd', 'vhd'],
    ['vhd', { isFixed: true }, 2, 'vhd', null],
    ['vhd', { isFixed: true }, 32, 'vhd', null],
    ['vhdx', {}, 62, 'vhdx', 'vhdx'],
    ['raw', {}, 32, 'raw', 'qcow2'],
  ])(
    'keep a disk of %s (%j) of %f TiB as %s with increments of %s',
    (id, dialect, tib, ...kept) => {
      const bytes = Math.floor(tib * 2 ** 24) * 65_536;
      expect([
        fullFormat(id, dialect, bytes).id,
        incrementFormat(id, dialect, bytes)?.id ?? null,
      ]).toEqual(kept);
      // Of a file that is there already nothing changes.
      expect(fullFormat(id, dialect).id).toBe(id);
    },
  );

  // Kinds of one format share an ending: streamOptimized and other VMDK.
  it('have ids of their own, which stand in records', () => {
    const ids = IMAGE_FORMATS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
