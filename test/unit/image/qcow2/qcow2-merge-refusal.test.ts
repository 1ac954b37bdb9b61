import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mergeInPlace, mergeRefusal } from '../../../../src/image/qcow2/merge-in-place.js';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { FileBytes, MemoryBytes } from '../../../support/image/byte-files.js';
import { qemuImg, qemuIo, requireTool, temporaryFolder } from '../../../support/image/qemu.js';

interface Pair {
  readonly title: string;
  readonly full?: string;
  readonly increment?: string;
  readonly incrementSize?: string;
  readonly prepare?: (full: string, increment: string) => Promise<unknown>;
  readonly reason: string | null;
}

const PAIRS: Pair[] = [
  { title: 'an increment on its full', reason: null },
  {
    title: 'larger clusters',
    full: 'cluster_size=128k',
    reason: 'the full has clusters of 131072 bytes, not 65536',
  },
  {
    title: 'smaller clusters in the increment',
    increment: 'cluster_size=4k',
    reason: 'the increment has clusters of 4096 bytes, not 65536',
  },
  {
    title: 'subclusters',
    increment: 'extended_l2=on',
    reason: 'the increment has subclusters (extended L2 entries)',
  },
  {
    title: 'a full of version 2',
    full: 'compat=0.10',
    reason: 'the full is qcow2 version 2, which cannot mark clusters as zero',
  },
  {
    title: 'other reference counts',
    full: 'refcount_bits=8',
    reason: 'the full has reference counts of 8 bits, not 16',
  },
  {
    title: 'internal snapshots',
    prepare: (full) => qemuImg('snapshot', '-c', 's1', full),
    reason: 'the full has 1 internal snapshots',
  },
  {
    title: 'a smaller increment',
    incrementSize: '1M',
    reason: "the increment's disk (1048576 bytes) is smaller than the full's (4194304)",
  },
  {
    title: 'compressed clusters in the full',
    prepare: (full) => qemuIo(full, 'qcow2', ['write -c 0 64k']),
    reason: 'the full has 1 compressed clusters',
  },
  {
    title: 'compressed clusters in the increment',
    prepare: (_, increment) => qemuIo(increment, 'qcow2', ['write -c 0 128k']),
    reason: 'the increment has 2 compressed clusters',
  },
  {
    title: 'a full that was not closed',
    prepare: (full) => FileBytes.with(full, 'r+', (file) => file.write(Buffer.from([1]), 79)),
    reason: 'the full was not closed by its writer (dirty bit)',
  },
  {
    title: 'a full with a parent',
    prepare: (full, increment) =>
      qemuImg('rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', increment, full),
    reason: 'the full has a parent itself',
  },
  {
    title: 'an increment without parent',
    prepare: (_, increment) => qemuImg('rebase', '-u', '-f', 'qcow2', '-b', '', increment),
    reason: 'the increment has no parent',
  },
  {
    title: 'growth beyond the clusters of the L1 table',
    incrementSize: '5T',
    reason: "the full's L1 table has room for 8192 entries, the grown disk needs 10240",
  },
  {
    title: 'references behind the end of the disk',
    prepare: async (full) => {
      await qemuIo(full, 'qcow2', ['write 0 4M']);
      const MIB_2 = Buffer.from([0, 0, 0, 0, 0, 0x20, 0, 0]);
      await FileBytes.with(full, 'r+', (file) => file.write(MIB_2, 24));
    },
    reason: 'the full has 32 references behind the end of its disk',
  },
];

describe.skipIf(!requireTool('qemu-img'))('mergeRefusal', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  it.each(PAIRS)('answers for $title', async ({ title, reason, prepare, ...made }) => {
    const full = join(folder.path, `${title}.qcow2`);
    const increment = join(folder.path, `${title} inc.qcow2`);
    const create = ['create', '-q', '-f', 'qcow2', '-o'];
    await qemuImg(...create, made.full ?? 'compat=1.1', full, '4M');
    const parent = ['-F', 'qcow2', '-b', full];
    const size = made.incrementSize ?? '4M';
    await qemuImg(...create, made.increment ?? 'compat=1.1', ...parent, increment, size);
    await prepare?.(full, increment);

    const [fullBytes, source] = [await MemoryBytes.load(full), await MemoryBytes.load(increment)];
    const image = await openQcow2Image(source);
    expect(await mergeRefusal(await openQcow2Image(fullBytes), image)).toBe(reason);
    if (reason === null) return;
    const before = Buffer.from(fullBytes.bytes);
    await expect(mergeInPlace(fullBytes, { image, source })).rejects.toThrow(reason);
    expect(fullBytes.bytes.equals(before)).toBe(true);
  });
});
