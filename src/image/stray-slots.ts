import { MAP_BLOCKS } from './disk-image.js';
import type { FileShape, PlannedContent } from './image-format.js';

/** Proves that plan and tables speak of the same data: what no table names would be copied and never be seen again.
 *  @param referred slots that the tables of the file name; of zeros they may be holes */
export async function refuseStraySlots(
  { slotCount }: Pick<FileShape, 'slotCount'>,
  content: PlannedContent,
  referred: number,
): Promise<void> {
  const used = new Uint8Array(MAP_BLOCKS);
  let inUse = 0;
  for (let first = 0; first < slotCount; first += MAP_BLOCKS) {
    const part = used.subarray(0, Math.min(MAP_BLOCKS, slotCount - first));
    await content.slotsInUse(first, part);
    for (const slot of part) inUse += slot;
  }
  if (inUse > referred)
    throw new Error(`plan: ${inUse} slots hold data, ${referred} are referred to`);
}
