import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';
import { extentName, makeSlabFormatKnown, slabFiles } from '../slab/slab-format.js';
import { belowName, slabLayout } from '../slab/slab-layout.js';

/** In which format the source of a scenario holds its disks. */
export interface SourceFormat {
  readonly id: FormatId;
  /** Name of a file of the source; `mode` is `full` or `incremental`. */
  fileName(day: number, pointId: string, diskId: string, mode: string): string;
  /** What lies in the place of a file that qemu-img wrote, in this format: files by their names. null: what qemu-img wrote is of this format.
   *  @param name of the image that shows the disk
   *  @param parent its parent */
  readonly convert:
    | ((
        name: string,
        disk: Buffer,
        parent: BelowIt | null,
      ) => ReadonlyMap<string, Buffer> | Promise<ReadonlyMap<string, Buffer>>)
    | null;
  /** Its files are copied as they are: what they hold is the truth. */
  readonly isOpaque?: true;
  /** Points of it are fulls, at the source and at the target. */
  readonly isFullsOnly?: true;
}

export interface BelowIt {
  /** Of its file. */
  readonly name: string;
  readonly disk: Buffer;
  /** What was put in the place of its image. */
  readonly file: Buffer;
}

/** What oVirt's backup_vm.py writes. */
export const OVIRT: SourceFormat = {
  id: 'qcow2',
  fileName: (day, pointId, diskId, mode) =>
    `202611${String(day + 1).padStart(2, '0')}010000.${pointId}.${diskId}.${mode}.qcow2`,
  convert: null,
};

const BLOCK_BYTES = 65_536;

/** A format of its own, that only a row of the lists makes known. A full is two images, one on the other, each with its blocks in an extent. */
export const SLABS: SourceFormat = {
  id: 'slab',
  fileName: (day, pointId, diskId) => `${day + 1}.${pointId}.${diskId}.slab`,
  convert: (name, disk, parent) => {
    const blocks = new Map<number, Buffer | null>();
    for (let at = 0; at < disk.length; at += BLOCK_BYTES) {
      const bytes = blockOf(disk, at);
      const before = blockOf(parent?.disk ?? Buffer.alloc(0), at);
      if (bytes.equals(before)) continue;
      blocks.set(at / BLOCK_BYTES, bytes.equals(ZEROS) ? null : bytes);
    }
    if (parent !== null) return slabsOf(name, disk.length, blocks, parent.name);
    const isBelow = ([block]: readonly [number, unknown]) => block % 2 === 0;
    const below = belowName(name);
    const above = new Map([...blocks].filter((entry) => !isBelow(entry)));
    return new Map([
      ...slabsOf(below, disk.length, new Map([...blocks].filter(isBelow)), null),
      ...slabsOf(name, disk.length, above, below),
    ]);
  },
};

/** An image and its extent. */
function slabsOf(name: string, ...disk: SlabDisk): Map<string, Buffer> {
  const { image, extent } = slabFiles(name, ...disk);
  return new Map([
    [name, image],
    [extentName(name), extent],
  ]);
}

type SlabDisk = Parameters<typeof slabFiles> extends [string, ...infer Rest] ? Rest : never;

const ZEROS = Buffer.alloc(BLOCK_BYTES);

export function blockOf(disk: Buffer, at: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  disk.subarray(at, at + BLOCK_BYTES).copy(bytes);
  return bytes;
}

/** A row in each of the lists is all that the product has to know. @returns what takes them out again */
export function makeSlabsKnown(): () => void {
  const forgetFormat = makeSlabFormatKnown();
  const rows = BACKUP_LAYOUTS as BackupLayout[];
  rows.unshift(slabLayout);
  return () => {
    forgetFormat();
    rows.splice(rows.indexOf(slabLayout), 1);
  };
}
