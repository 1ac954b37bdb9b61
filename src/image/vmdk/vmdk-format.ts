import type { ComposerTraits, ImageComposer, ImageFormat } from '../image-format.js';
import { composeVmdk, MAX_COMPOSED_DISK_BYTES, placeVmdkSlots } from './compose.js';
import { readVmdkHead } from './vmdk-head.js';
import { openVmdkImage } from './vmdk-image.js';

const TRAITS: ComposerTraits = {
  kinds: ['full', 'increment'],
  parents: ['vmdk'],
  slotOrder: 'any',
  granuleBlocks: 1,
  zeros: 'stored',
  maxDiskBytes: MAX_COMPOSED_DISK_BYTES,
};

/** VMware's disks, in all that its products and QEMU make of them; what is composed is monolithicSparse, so one file. */
export const VMDK = {
  id: 'vmdk',
  extension: 'vmdk',
  readHead: readVmdkHead,
  open: openVmdkImage,
  composer: { traits: () => TRAITS, place: placeVmdkSlots, compose: composeVmdk },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
