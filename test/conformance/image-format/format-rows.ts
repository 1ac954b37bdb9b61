import type { Dialect } from '../../../src/image/disk-image.js';
import type { ComposedFormat } from '../../../src/image/formats.js';
import { FILE } from '../../../src/image/file/file-format.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { QCOW2 } from '../../../src/image/qcow2/qcow2-format.js';
import { RAW } from '../../../src/image/raw/raw-format.js';
import { VHD } from '../../../src/image/vhd/vhd-format.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { VIRTNBD } from '../../../src/image/virtnbd/virtnbd-format.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { SLAB } from '../../support/slab/slab-format.js';

/** What a format is tried with. */
export interface FormatRow {
  readonly name: string;
  readonly format: ComposedFormat;
  /** Of the source: a copy must keep it. */
  readonly dialect: Dialect;
  /** Of the disk. No whole number of granules, and, where the format has such disks, of blocks of 64 KiB. */
  readonly sizeBytes: number;
  /** The id by which others name a file is one that the source's tool gave: a copy keeps it. */
  readonly keepsLinkId?: boolean;
}

const BLOCK = 65_536;
const SECTOR = 512;
const WHOLE_BLOCKS = 83 * BLOCK;
const PART_OF_A_BLOCK = WHOLE_BLOCKS + 3 * SECTOR;

const STREAM = {
  ...{ virtualSizeBytes: WHOLE_BLOCKS, date: '2026-11-24T06:29:49.037014', diskName: 'vdb' },
  ...{ diskFormat: 'qcow2', checkpointName: 'virtnbdbackup.3' },
};

/** A new format is tried by a row. */
export const FORMAT_ROWS: readonly FormatRow[] = [
  row('qcow2', QCOW2, {}),
  row('raw', RAW, {}),
  row('file', FILE, {}, PART_OF_A_BLOCK + 7),
  row('vmdk', VMDK, {}),
  row('vmdk, encrypted', VMDK, { encryption: { encryptionKeys: 'vmware:key/list/(pair/())' } }),
  row('vhd, dynamic', VHD, {}),
  row('vhd, fixed', VHD, { isFixed: true }, WHOLE_BLOCKS),
  row('vhdx', VHDX, { physicalSectorBytes: 512 }),
  { ...row('virtnbd', VIRTNBD, STREAM, WHOLE_BLOCKS), keepsLinkId: true },
  row('slab', SLAB, { color: 7 }),
];

function row(
  name: string,
  format: ImageFormat,
  dialect: Dialect,
  sizeBytes = PART_OF_A_BLOCK,
): FormatRow {
  const { composer } = format;
  if (composer === null) throw new Error(`${name} composes nothing`);
  return { name, format: { ...format, composer }, dialect, sizeBytes };
}
