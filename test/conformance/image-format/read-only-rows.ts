import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import {
  cowdFile,
  cowdHeader,
  descriptorText,
  seSparseFile,
  seSparseHeader,
} from '../../support/image/vmdk-bytes.js';

const SECTOR = 512;
const ENTRIES = 4_096;

/** What a grain of such a file is. The second kind of zeros is what a guest has given back. */
export type Grain = Buffer | 'zero' | 'unmapped';

/** Snapshots of ESX, each a descriptor with one extent: they are read and never written. A new kind is tried by a row. */
interface ReadOnlyRow {
  readonly name: string;
  /** By which the tables of an extent are found (`tablePlaces`). */
  readonly extentFormat: FormatId;
  readonly grainBytes: number;
  /** Its tables say where zeros hide what lies below. */
  readonly hasZeros: boolean;
  readonly descriptor: (sectors: number, more?: readonly string[]) => string;
  readonly extent: (sectors: number, grains: ReadonlyMap<number, Grain>) => Buffer;
  /** The extent of the largest disk of its kind, in which all tables are there, and no grain. */
  readonly largest: () => { readonly sectors: number; readonly extent: ByteSource };
}

/** As the descriptor names it. */
export const EXTENT = 'web01-000001-delta.vmdk';

export const READ_ONLY_ROWS: readonly ReadOnlyRow[] = [
  {
    ...{ name: 'vmdk, COWD', extentFormat: 'vmdk-cowd', grainBytes: SECTOR, hasZeros: false },
    descriptor: (sectors, more) => deltaText('vmfsSparse', `RW ${sectors} VMFSSPARSE`, more),
    extent: (sectors, grains) => cowdFile(sectors, grains as ReadonlyMap<number, Buffer>),
    largest: () => {
      const sectors = 2 ** 32 - 1;
      const tables = 2 ** 20;
      const first = 4 + (tables * 4) / SECTOR;
      const directory = { offset: 4 * SECTOR, tables, low: [first, 32], high: null } as const;
      const sizeBytes = (first + 32 * tables) * SECTOR;
      return { sectors, extent: tablesAlone(sizeBytes, cowdHeader(sectors), directory) };
    },
  },
  {
    ...{
      name: 'vmdk, seSparse',
      extentFormat: 'vmdk-sesparse',
      grainBytes: 8 * SECTOR,
      hasZeros: true,
    },
    descriptor: (sectors, more) => deltaText('seSparse', `RW ${sectors} SESPARSE`, more),
    extent: seSparseFile,
    largest: () => {
      const tables = 2 ** 22;
      const sectors = tables * ENTRIES * 8;
      const first = 2 + (tables * 8) / SECTOR;
      const places = { directory: 2, tables: first, grains: first + 64 * tables };
      const directory = { offset: 2 * SECTOR, tables, low: [0, 1], high: 0x1000_0000 } as const;
      const header = seSparseHeader(sectors, places);
      return { sectors, extent: tablesAlone(places.grains * SECTOR, header, directory) };
    },
  },
];

function deltaText(createType: string, extent: string, more: readonly string[] = []): string {
  return descriptorText({ createType, cid: '8f67ca74', extents: [`${extent} "${EXTENT}"`], more });
}

export interface Directory {
  readonly offset: number;
  readonly tables: number;
  /** Of the entries, 32 bits each: the first, and how much each is more than the one before. */
  readonly low: readonly [first: number, more: number];
  /** The other 32 bits; null: there are none. */
  readonly high: number | null;
}

/** A file that is made as it is read: header and directory, and behind them zeros. */
export function tablesAlone(sizeBytes: number, header: Buffer, directory: Directory): ByteSource {
  const { offset: first, tables, low, high } = directory;
  const entryBytes = high === null ? 4 : 8;
  return {
    ...{ label: EXTENT, sizeBytes },
    read: (target, offset) => {
      target.fill(0);
      if (offset < header.length) target.set(header.subarray(offset, offset + target.length));
      const view = new DataView(target.buffer, target.byteOffset, target.length);
      const end = Math.min(tables, Math.floor((offset + target.length - first) / entryBytes));
      for (
        let index = Math.max(0, Math.ceil((offset - first) / entryBytes));
        index < end;
        index++
      ) {
        const at = first + index * entryBytes - offset;
        view.setUint32(at, low[0] + low[1] * index, true);
        if (high !== null) view.setUint32(at + 4, high, true);
      }
      return Promise.resolve();
    },
  };
}
