import type { ByteSource } from '../../../src/image/byte-source.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { MemoryBytes } from '../image/byte-files.js';
import { cowdFile, descriptorText, seSparseFile, sparseFile } from '../image/vmdk-bytes.js';
import type { FuzzedReader } from './fuzz-reader.js';

const SECTORS = 2_048;
const EXTENT = 'web01-delta.vmdk';
const PARENT = ['parentCID=0172e8a4', 'parentFileNameHint="web01.vmdk"'];

interface PartReader {
  readonly reader: FuzzedReader;
  readonly samples: readonly Uint8Array[];
}

/** Files that are no image alone: extents, each below a descriptor that is right, and a descriptor over an extent that is right. */
export const PART_READERS: readonly PartReader[] = [
  {
    reader: extentReader('vmdk-cowd', 'vmfsSparse', 'VMFSSPARSE'),
    samples: [cowdFile(SECTORS, grainsOf(512))],
  },
  {
    reader: extentReader('vmdk-sesparse', 'seSparse', 'SESPARSE'),
    samples: [seSparseFile(SECTORS, seSparseGrains())],
  },
  descriptorReader(),
];

function grainsOf(bytes: number): Map<number, Buffer> {
  return new Map([0, 1, 5, 200].map((grain) => [grain, Buffer.alloc(bytes, grain + 1)]));
}

function seSparseGrains(): Map<number, Buffer | 'zero' | 'unmapped'> {
  const grains = new Map<number, Buffer | 'zero' | 'unmapped'>(grainsOf(4_096));
  return grains.set(9, 'zero').set(10, 'unmapped');
}

function over(extent: ByteSource) {
  return { open: () => Promise.resolve(extent) };
}

function extentReader(id: string, createType: string, access: string): FuzzedReader {
  const extents = [`RW ${SECTORS} ${access} "${EXTENT}"`];
  const text = descriptorText({ createType, extents, more: PARENT });
  const descriptor = new MemoryBytes(Buffer.from(text), 'web01.vmdk');
  return {
    ...{ id, extension: 'vmdk' },
    readHead: (extent) => VMDK.readHead(descriptor, over(extent)),
    open: (extent) => VMDK.open(descriptor, over(extent)),
  };
}

function descriptorReader(): PartReader {
  const extent = new MemoryBytes(sparseFile(SECTORS, new Map([[0, Buffer.alloc(65_536, 7)]])));
  const flat = new MemoryBytes(Buffer.alloc(SECTORS * 512, 5));
  const files = {
    open: (name: string) => Promise.resolve(name.includes('flat') ? flat : extent),
  };
  const sparse = [`RW ${SECTORS} SPARSE "web01-s001.vmdk"`];
  const mixed = [
    'RW 100 FLAT "web01-flat.vmdk" 7',
    'RW 28 ZERO',
    `RW ${SECTORS - 128} VMFS "web01-flat.vmdk" 128`,
  ];
  const two = [`RW ${SECTORS} SPARSE "web01-s001.vmdk"`, `RW ${SECTORS} SPARSE "web01-s002.vmdk"`];
  const samples = [
    descriptorText({ createType: 'twoGbMaxExtentSparse', extents: two }),
    descriptorText({ createType: 'twoGbMaxExtentSparse', extents: sparse, more: PARENT }),
    descriptorText({ createType: 'custom', extents: mixed }),
  ].map((text) => Buffer.from(text));
  const reader: FuzzedReader = {
    ...{ id: 'vmdk-descriptor', extension: 'vmdk' },
    readHead: (descriptor) => VMDK.readHead(descriptor, files),
    open: (descriptor) => VMDK.open(descriptor, files),
  };
  return { reader, samples };
}
