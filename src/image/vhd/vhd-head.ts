import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { ByteSource } from '../byte-source.js';
import type { Dialect, ImageHead } from '../disk-image.js';
import { readBlockTable } from './block-table.js';
import { readFooter, type VhdFooter } from './footer.js';
import { readHeader, type VhdHeader } from './header.js';

/** Reads footer, header and table of blocks (32 MiB at most, 4 MiB for the largest disk that Windows makes). A file that does not end with its
 *  footer, or whose blocks pass its end, is still being written, or was cut off.
 *  @throws IMAGE_TRUNCATED, and what `openVhdImage` throws */
export async function readVhdHead(source: ByteSource): Promise<ImageHead> {
  const footer = await readFooter(source);
  if (footer.type === 'fixed') return vhdHead(footer, null);
  const header = await readHeader(source, footer);
  await readBlockTable(source, footer, header);
  return vhdHead(footer, header);
}

/** The uuid stays the same whatever is written to the disk, so it is no identity of the content. A fixed disk of another size than whole blocks of 64
 *  KiB is copied as a dynamic file: its footer would lie in the last slot. Azure takes whole MiB only. */
export function vhdHead(footer: VhdFooter, header: VhdHeader | null): ImageHead {
  return {
    virtualSizeBytes: footer.virtualSizeBytes,
    parent: header?.parent ?? null,
    linkId: footer.uuid,
    dialect: { isFixed: footer.isOfFixed && footer.virtualSizeBytes % BLOCK_BYTES === 0 },
  };
}

/** Whether a full is to be a fixed disk: what an image for Azure must be. */
export function isFixedDialect({ isFixed }: Dialect): boolean {
  return isFixed === true;
}
