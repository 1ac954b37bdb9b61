import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../src/mover/blocks/layer-file.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** What a hostile or damaged file tries, kind by kind, and the test that refuses it: the list that readers of images were reviewed by (QEMU's iotests 059, 060,
 *  080; CVE-2024-32498, CVE-2022-47951; sections on corruption of the formats' own pages). A row whose test is gone, or was named anew, fails here. */
interface Attack {
  readonly attack: string;
  /** Below `test`. */
  readonly file: string;
  /** As it stands in the file: a title, or the row of a table. */
  readonly row: string;
}

const of = (file: string, rows: Readonly<Record<string, string>>): Attack[] =>
  Object.entries(rows).map(([attack, row]) => ({ attack, file, row }));

const ATTACKS: readonly Attack[] = [
  ...of('unit/image/qcow2/qcow2-attacks.test.ts', {
    'a parent elsewhere: an absolute path, a way out, json:, a URL':
      'gets its parent name %s handed out as data, and nothing opened',
    'an external data file, by its bit': "'external data file bit'",
    'an external data file, by its extension': "'data file extension'",
    'qcow2: header_length 0xffffffff': 'title: `header_length ${bytes}`',
    'qcow2: cluster_bits 8, 22, 63': 'title: `cluster_bits ${bits}`',
    'qcow2: size 2^62': "'size 2^62'",
    'qcow2: l1_size 0xffffffff': "'huge L1 table'",
    'qcow2: L1 table unaligned': "'unaligned L1 table'",
    'qcow2: L1 table behind the end': "'L1 table past the end'",
    'qcow2: L1 table at 0': "'L1 table in the header'",
    'qcow2: L1 table to itself': "'L1 entry to the L1 table'",
    'qcow2: one L2 table used twice': "'one L2 table used twice'",
    'qcow2: reserved bits of an L2 entry': "'L2 entry with reserved bits'",
    'qcow2: data in a table': 'title: `data in the table at ${table}`',
    'qcow2: an extension behind the cluster': "'extension past the cluster'",
    'qcow2: a parent name of 1,024 bytes': "'parent name of 1,024 bytes'",
    'qcow2: both bits of a subcluster': "'a subcluster both stored and zero'",
    'qcow2: compressed data behind the end': "'compressed data past the end'",
    'qcow2: 65,537 snapshots': "'65,537 snapshots'",
    'qcow2: an unknown feature': "'unknown feature'",
    'a bomb of deflate': "'a deflate bomb'",
    'a window of zstd of 2^41 bytes': "'a zstd window of 2^41 bytes'",
    'qcow2: cut off anywhere': 'is refused at every length that cuts into what it refers to',
  }),
  ...of('unit/image/vmdk/vmdk-attacks.test.ts', {
    'VMDK: an extent elsewhere': 'never asks for the extent %j',
    'VMDK: grains of 0 sectors': 'title: `grain of ${grain} sectors`',
    'VMDK: 0 and 513 entries per table': 'title: `${entries} entries per table`',
    'VMDK: capacity 2^63': "'capacity 2^63'",
    'VMDK: a footer without the end of the stream': "'no marker of the end'",
    'VMDK: a directory that names itself': "'a directory that names itself'",
    'VMDK: two extents over one range': '\'RW 4 FLAT "a.vmdk" 0\', \'RW 4 FLAT "a.vmdk" 2\'',
    'VMDK: a bomb in a grain': 'gives a bomb no more memory than a grain',
    'VMDK: directories of holes in thousands of parts':
      'takes no memory for the directories of many parts that are holes',
  }),
  ...of('unit/image/attacks.test.ts', {
    'VMDK: a parent of another CID': "['vmdk'",
    'VHD: a parent of another uuid': "['vhd'",
    'VHDX: parent_linkage of another file': "['vhdx'",
    'qcow2: refcount 0 of clusters in use': 'is read whatever its counts of references say',
  }),
  ...of('unit/image/vhd/vhd-read.test.ts', {
    'VHD: a footer of a wrong checksum': "'of a wrong footer checksum'",
    'VHD: a header of a wrong checksum': "'of a wrong header checksum'",
    'VHD: max_entries of 2^31': 'reads of a table that claims 2^31 entries what its disk needs',
    'VHD: two footers that differ': "'with another copy of its footer'",
    'VHD: blocks over one another': "'whose blocks overlap'",
  }),
  ...of('unit/image/vhdx/vhdx-attacks.test.ts', {
    'VHDX: both headers of a wrong checksum': "'with two broken headers'",
    'VHDX: a BAT behind the end': "'whose BAT lies behind its end'",
    'VHDX: blocks of 0 bytes': "'with blocks of 0 bytes'",
    'VHDX: blocks of 3 MiB': "'with blocks of 3 MiB'",
    'VHDX: an item of metadata outside': "'with an item outside of its metadata'",
  }),
  ...of('unit/image/vhdx/vhdx-log.test.ts', {
    'VHDX: the log as a way to write': 'is read as it will be, and stays as it is',
    'VHDX: a write of the log behind the end': "'a write behind the end'",
    'VHDX: a write of the log inside a sector': "'a write inside a sector'",
  }),
  ...of('unit/image/vma/vma.test.ts', {
    'VMA: another MD5': "'a header with another MD5'",
    'VMA: device 200': "'a device that is none'",
    'VMA: a cluster twice': "'a cluster twice'",
    'VMA: mask and count that differ': "'another mask'",
    'VMA: cut between two extents': "'cut between two extents'",
    'VMA: a cluster in each of thousands of stretches':
      'begun in 16,385 stretches of 4 GiB is refused',
  }),
  ...of('unit/image/virtnbd/virtnbd-read.test.ts', {
    'stream: a frame of 16 f': "'a frame of 16 f'",
    'stream: no trailer': "'compressed without a trailer'",
    'stream: another sum in the trailer': "'another sum in its trailer'",
    'stream: data behind the disk': "'a frame behind the disk'",
    'stream: a trailer of millions of pieces': "'a trailer of millions of pieces'",
    'stream: a trailer of lists within lists': "'a trailer of lists within lists'",
    'stream: a piece that unpacks to more':
      'a piece that unpacks to far more than it should takes no memory for it',
  }),
  ...of('unit/image/ova.test.ts', {
    'tar: links, ways out, names twice':
      'is refused with a link, a way out of it, or one name twice',
    'tar: names of 64 KiB, thousands of them':
      'is refused when its names together are more than 4 Mi characters',
    'tar: a map that overlaps itself': "'overlaps itself'",
    'tar: a map that leads behind the end': "'leads behind the end of the file'",
  }),
  ...of('unit/image/raw-image.test.ts', {
    'a guest that writes a header of qcow2 into a raw disk':
      'stays raw when the guest wrote a qcow2 header',
  }),
  ...of('unit/layout/libvirt-push.test.ts', {
    'XML: entities, of files and of themselves': 'breaks a point whose XML has a DOCTYPE',
  }),
  ...of('unit/layout/walk/one-bad-place.test.ts', {
    'XML: names with a meaning to the parser': "'an element called constructor'",
    'XML: elements within each other': "'150 elements within each other'",
    'a time that no calendar has': 'of a file (%s ns) is the nearest that can be written',
  }),
  ...of('unit/layout/stores.test.ts', {
    'PBS: a snapshot without its manifest':
      'a snapshot is a point once its manifest is written, in any namespace',
    'PBS: a chunk that the server found to be bad': ".0.bad`, '-'",
    'PBS: a moment that is none': "'vm/100/2026-13-24T22:00:00Z/index.json.blob': 'x'",
  }),
  ...of('unit/cli/command.test.ts', {
    'names and errors that act on a terminal':
      'shows control characters and turning marks of names as escapes',
  }),
  ...of('conformance/directory-repository.ts', {
    'a link in the way, exchanged while it is read':
      'stays inside while a folder is exchanged for a link again and again',
  }),
  ...of('integration/session/source-changed.test.ts', {
    'a file that is written while it is copied': 'no point mixes what was with what is',
  }),
];

describe('each attack on a reader of images', () => {
  it.each(ATTACKS)('has its test: $attack', ({ file, row }) => {
    const text = readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8');
    const lines = text.split('\n').filter((line) => line.includes(row));
    expect(lines, `${file}: ${row}`).not.toEqual([]);
    // It runs: no comment, and nothing of its file is left out.
    expect(lines.filter((line) => /^\s*(?:\/\/|\/?\*)/.test(line))).toEqual([]);
    expect(/\b(?:it|describe)\.(?:skip|todo|only)\(/.exec(text)?.[0]).toBeUndefined();
  });
});

describe.each([
  ['vmdk', {}],
  ['vhd', { isFixed: false }],
  ['vhdx', { physicalSectorBytes: 512 }],
])('an increment of %s', (format, dialect) => {
  it('shows nothing through a full of the same name that it was not made on', async () => {
    const source = new SimulatedRepository('primary');
    const virtualSizeBytes = 4 * 1024 * 1024;
    const disk = (seed: string) => ({
      ...{ virtualSizeBytes, dialect, seed: seed.repeat(32) },
      blocks: new Map([[0, blockOf(1)]]),
    });
    const put = async (path: string, { bytes }: MemoryBytes): Promise<LayerFile> => {
      const file = await source.openWrite(path, 'open-or-new');
      await file.write(bytes, 0);
      await file.close();
      return { repositoryId: 'primary', path, format, stamp: (await source.stat(path))!.stamp };
    };
    const full = await composeDisk(composerOf(format), disk('a'));
    const { linkId } = await imageFormat(format).readHead(full);
    const parent = { link: 'full', format, linkId, virtualSizeBytes };
    const child = await put(
      'child',
      await composeDisk(composerOf(format), { ...disk('b'), parent }),
    );
    const context = new InProcessMover(source).context();
    const own = await put('own', full);
    await (await ImageStack.open(context, [child, own])).close();
    const other = await put('other', await composeDisk(composerOf(format), disk('c')));
    await expect(ImageStack.open(context, [child, other])).rejects.toMatchObject({
      code: 'IMAGE_BACKING_REFUSED',
    });
  });
});

it('a qcow2 image is read whatever its counts of references say', async () => {
  const blocks = new Map([[3, blockOf(3)]]);
  const shape = { virtualSizeBytes: 1024 * 1024, dialect: {}, blocks };
  const { bytes } = await composeDisk(composerOf('qcow2'), shape);
  const counts = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
  bytes.fill(0, counts, counts + 65_536);
  const image = await imageFormat('qcow2').open(new MemoryBytes(bytes));
  const seen = Buffer.alloc(65_536);
  await image.read(seen, 3 * 65_536, null);
  expect(seen.equals(blockOf(3))).toBe(true);
});
