import type { Dialect } from '../disk-image.js';
import { isGuid } from '../guid.js';
import { MAX_BLOCK_BYTES, MIB, NO_GUID, type VhdxGeometry } from './numbers.js';
import type { VhdxMetadata } from './metadata.js';

/** What a composed file keeps of the one that it is a copy of. */
export interface VhdxDialect {
  /** Payload blocks of a composed file; the one that it is a copy of may have others. */
  readonly blockBytes: number;
  readonly sectorBytes: VhdxGeometry['sectorBytes'];
  readonly physicalSectorBytes: number;
  /** Id of the disk as the guest sees it. */
  readonly page83: string;
}

/** The table of blocks of a composed file stays below 16 MiB: it is written anew with every increment. */
const MAX_COMPOSED_BLOCKS = 2_097_152;

export function dialectOf({ geometry, physicalSectorBytes, page83 }: VhdxMetadata): Dialect {
  const { virtualSizeBytes, sectorBytes } = geometry;
  const blockBytes = composedBlockBytes(virtualSizeBytes);
  return { blockBytes, sectorBytes, physicalSectorBytes, page83: page83 ?? NO_GUID };
}

/** 1 MiB up to disks of 2 TiB, 32 MiB for the largest: small blocks leave few holes between the changes of an increment. */
function composedBlockBytes(virtualSizeBytes: number): number {
  let bytes = MIB;
  while (virtualSizeBytes / bytes > MAX_COMPOSED_BLOCKS) bytes *= 2;
  return bytes;
}

/** A dialect of this format, whatever is in it. */
export function vhdxDialect(dialect: Dialect): VhdxDialect {
  const { blockBytes, sectorBytes, physicalSectorBytes, page83 } = dialect;
  return {
    blockBytes: isBlockSize(blockBytes) ? blockBytes : MIB,
    sectorBytes: sectorBytes === 4_096 ? 4_096 : 512,
    physicalSectorBytes: physicalSectorBytes === 512 ? 512 : 4_096,
    page83: typeof page83 === 'string' && isGuid(page83) ? page83 : NO_GUID,
  };
}

function isBlockSize(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    value >= MIB &&
    value <= MAX_BLOCK_BYTES &&
    Number.isInteger(Math.log2(value))
  );
}
