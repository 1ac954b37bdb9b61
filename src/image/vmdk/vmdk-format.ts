import type { ComposerTraits, ImageComposer, ImageFormat } from '../image-format.js';
import { composeVmdk, MAX_COMPOSED_DISK_BYTES, placeVmdkSlots } from './compose.js';
import { readVmdkHead } from './vmdk-head.js';
import { openVmdkImage } from './vmdk-image.js';

const FULL: ComposerTraits = {
  kinds: ['full', 'increment'],
  parents: ['vmdk'],
  parentSize: 'same',
  slotOrder: 'any',
  granuleBlocks: 1,
  zeros: 'marked',
  maxDiskBytes: MAX_COMPOSED_DISK_BYTES,
};
/** What a full does not store reads as zeros. An increment holds them, as holes: see `composeVmdk`. */
const INCREMENT: ComposerTraits = { ...FULL, zeros: 'stored' };

/** VMware's disks, in all that its products and QEMU make of them; what is composed is monolithicSparse, so one file. */
export const VMDK = {
  id: 'vmdk',
  extension: 'vmdk',
  readHead: readVmdkHead,
  open: openVmdkImage,
  composer: {
    traits: (_, kind) => (kind === 'full' ? FULL : INCREMENT),
    place: placeVmdkSlots,
    compose: composeVmdk,
  },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
