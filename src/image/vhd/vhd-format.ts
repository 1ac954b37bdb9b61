import type { ImageComposer, ImageFormat } from '../image-format.js';
import { composeVhd, placeVhdSlots, vhdTraits } from './compose.js';
import { readVhdHead } from './vhd-head.js';
import { openVhdImage } from './vhd-image.js';

/** Format of Virtual PC, older Hyper-V, Windows backup and Azure: VHD, and AVHD for what builds on another. */
export const VHD = {
  id: 'vhd',
  extension: 'vhd',
  readHead: readVhdHead,
  open: openVhdImage,
  composer: { traits: vhdTraits, place: placeVhdSlots, compose: composeVhd },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
