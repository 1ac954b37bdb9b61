import type { Proof } from './guarantees.js';

/** What a hostile or damaged file tries, kind by kind, and the test that refuses it: the list that readers of images were reviewed by (QEMU's iotests 059, 060,
 *  080; CVE-2024-32498, CVE-2022-47951; sections on corruption of the formats' own pages). A run in which such a test is part of a file that ran, and did not run and pass
 *  itself, fails. */
export const ATTACKS: readonly Proof[] = [
  ...of('unit/image/qcow2/qcow2-attacks.test.ts', {
    'a parent elsewhere: an absolute path, a way out, json:, a URL':
      'gets its parent name %s handed out as data, and nothing opened',
    'an external data file, by its bit': "is refused: 'external data file bit'",
    'an external data file, by its extension': "is refused: 'data file extension'",
    'qcow2: header_length 0xffffffff': "is refused: 'header_length 4294967295'",
    'qcow2: cluster_bits 8': "is refused: 'cluster_bits 8'",
    'qcow2: cluster_bits 22': "is refused: 'cluster_bits 22'",
    'qcow2: cluster_bits 63': "is refused: 'cluster_bits 63'",
    'qcow2: size 2^62': "is refused: 'size 2^62'",
    'qcow2: l1_size 0xffffffff': "is refused: 'huge L1 table'",
    'qcow2: L1 table unaligned': "is refused: 'unaligned L1 table'",
    'qcow2: L1 table behind the end': "is refused: 'L1 table past the end'",
    'qcow2: L1 table at 0': "is refused: 'L1 table in the header'",
    'qcow2: L1 table to itself': "is refused: 'L1 entry to the L1 table'",
    'qcow2: one L2 table used twice': "is refused: 'one L2 table used twice'",
    'qcow2: reserved bits of an L2 entry': "is refused: 'L2 entry with reserved bits'",
    'qcow2: data in a table': "is refused: 'data in the table at %s'",
    'qcow2: an extension behind the cluster': "is refused: 'extension past the cluster'",
    'qcow2: a parent name of 1,024 bytes': "is refused: 'parent name of 1,024 bytes'",
    'qcow2: both bits of a subcluster': "is refused: 'a subcluster both stored and zero'",
    'qcow2: compressed data behind the end': "is refused: 'compressed data past the end'",
    'qcow2: 65,537 snapshots': "is refused: '65,537 snapshots'",
    'qcow2: an unknown feature': "is refused: 'unknown feature'",
    'a bomb of deflate': "is refused: 'a deflate bomb'",
    'a window of zstd of 2^41 bytes': "is refused: 'a zstd window of 2^41 bytes'",
    'qcow2: cut off anywhere': 'is refused at every length that cuts into what it refers to',
  }),
  ...of('unit/mover/blocks/stack-tables.test.ts', {
    'a chain of thousands of images, each with tables in memory':
      'never take more together than their limit and one table, however many layers there are',
    'a chain whose directories of tables are too large together':
      'refuse a further layer where what stays for as long as they are open is too much',
  }),
  ...of('unit/image/vmdk/vmdk-attacks.test.ts', {
    'VMDK: an extent elsewhere': 'never asks for the extent %j',
    'VMDK: grains of 0 sectors': "refuses $kind with 'grain of 0 sectors'",
    'VMDK: 0 entries per table': "refuses $kind with '0 entries per table'",
    'VMDK: 513 entries per table': "refuses $kind with '513 entries per table'",
    'VMDK: capacity 2^63': "refuses $kind with 'capacity 2^63'",
    'VMDK: a footer without the end of the stream': "refuses $kind with 'no marker of the end'",
    'VMDK: a directory that names itself': "refuses $kind with 'a directory that names itself'",
    'VMDK: two extents over one range':
      'refuses extents such as ["RW 4 FLAT \\"a.vmdk\\" 0","RW 4 FLAT \\"a.vmdk\\" 2"] with IMAGE_CORRUPT',
    'VMDK: a bomb in a grain': 'gives a bomb no more memory than a grain',
    'VMDK: directories of holes in thousands of parts':
      'takes no memory for the directories of many parts that are holes',
  }),
  ...of('unit/image/attacks.test.ts', {
    'VMDK: a parent of another CID': ofAnotherParent('vmdk'),
    'VHD: a parent of another uuid': ofAnotherParent('vhd'),
    'VHDX: parent_linkage of another file': ofAnotherParent('vhdx'),
    'qcow2: refcount 0 of clusters in use':
      'a qcow2 image is read whatever its counts of references say',
  }),
  ...of('unit/image/vhd/vhd-read.test.ts', {
    'VHD: a footer of a wrong checksum': 'of a wrong footer checksum is refused',
    'VHD: a header of a wrong checksum': 'of a wrong header checksum is refused',
    'VHD: max_entries of 2^31': 'reads of a table that claims 2^31 entries what its disk needs',
    'VHD: two footers that differ': 'with another copy of its footer is refused',
    'VHD: blocks over one another': 'whose blocks overlap is refused',
  }),
  ...of('unit/image/vhdx/vhdx-attacks.test.ts', {
    'VHDX: both headers of a wrong checksum': 'with two broken headers is refused',
    'VHDX: a BAT behind the end': 'whose BAT lies behind its end is refused',
    'VHDX: blocks of 0 bytes': 'with blocks of 0 bytes is refused',
    'VHDX: blocks of 3 MiB': 'with blocks of 3 MiB is refused',
    'VHDX: an item of metadata outside': 'with an item outside of its metadata is refused',
  }),
  ...of('unit/image/vhdx/vhdx-log.test.ts', {
    'VHDX: the log as a way to write': 'is read as it will be, and stays as it is',
    'VHDX: a write of the log behind the end': 'is refused with a write behind the end',
    'VHDX: a write of the log inside a sector': 'is refused with a write inside a sector',
  }),
  ...of('unit/image/vma/vma.test.ts', {
    'VMA: another MD5': 'a header with another MD5 is refused',
    'VMA: device 200': 'a device that is none is refused',
    'VMA: a cluster twice': 'a cluster twice is refused',
    'VMA: mask and count that differ': 'another mask is refused',
    'VMA: cut between two extents': 'cut between two extents is refused',
    'VMA: a cluster in each of thousands of stretches':
      'takes no memory for each of them: begun in 16,385 stretches of 4 GiB is refused',
  }),
  ...of('unit/image/virtnbd/virtnbd-read.test.ts', {
    'stream: a frame of 16 f': 'a frame of 16 f is refused',
    'stream: no trailer': 'compressed without a trailer is refused',
    'stream: another sum in the trailer': 'another sum in its trailer is refused',
    'stream: data behind the disk': 'a frame behind the disk is refused',
    'stream: a trailer of millions of pieces': 'a trailer of millions of pieces is refused',
    'stream: a trailer of lists within lists': 'a trailer of lists within lists is refused',
    'stream: a piece that unpacks to more':
      'a piece that unpacks to far more than it should takes no memory for it',
  }),
  ...of('unit/image/ova.test.ts', {
    'tar: links, ways out, names twice':
      'is refused with a link, a way out of it, or one name twice',
    'tar: names of 64 KiB, thousands of them':
      'is refused when its names together are more than 4 Mi characters',
    'tar: a map that overlaps itself': 'is refused when its map overlaps itself',
    'tar: a map that leads behind the end':
      'is refused when its map leads behind the end of the file',
  }),
  ...of('unit/image/raw-image.test.ts', {
    'a guest that writes a header of qcow2 into a raw disk':
      'stays raw when the guest wrote a qcow2 header into its first sector',
  }),
  ...of('unit/layout/libvirt-push.test.ts', {
    'XML: entities, of files and of themselves': 'breaks a point whose XML has a DOCTYPE',
  }),
  ...of('unit/layout/walk/one-bad-place.test.ts', {
    'XML: names with a meaning to the parser':
      'is a broken backup and nothing more: an element called constructor in a descriptor',
    'XML: elements within each other':
      'is a broken backup and nothing more: 150 elements within each other in a descriptor',
    'a time that no calendar has': 'of a file (%s ns) is the nearest that can be written',
  }),
  ...of('unit/layout/stores.test.ts', {
    'PBS: a snapshot without its manifest, and a moment that is none':
      'is a workload; a snapshot is a point once its manifest is written, in any namespace',
    'PBS: a chunk that the server found to be bad': 'holds .chunks/%s.0.bad as -',
  }),
  ...of('unit/cli/command.test.ts', {
    'names that act on a terminal':
      'shows control characters and turning marks of names as escapes',
    'errors that act on a terminal': 'shows control characters of errors as escapes',
  }),
  ...of('conformance/directory-repository.ts', {
    'a link in the way, exchanged while it is read':
      'stays inside while a folder is exchanged for a link again and again',
  }),
  ...of('integration/session/source-changed.test.ts', {
    'a file that is written while it is copied':
      'is planned again when its file is written in place: no point mixes what was with what is',
  }),
];

/** @param file below `test` */
function of(file: string, titles: Readonly<Record<string, string>>): Proof[] {
  return Object.entries(titles).map(([attack, title]) => ({
    of: `that an attack is refused (${attack})`,
    path: `test/${file}`,
    title,
  }));
}

function ofAnotherParent(format: string): string {
  return `an increment of ${format} > shows nothing through a full of the same name that it was not made on`;
}
