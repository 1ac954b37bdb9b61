import type { ImageComposer, ImageFormat } from '../image-format.js';
import { composeVhdx, placeVhdxSlots, vhdxTraits } from './compose.js';
import { readVhdxHead } from './vhdx-head.js';
import { readWriteMark } from './vhdx-file.js';
import { openVhdxImage } from './vhdx-image.js';

/** Hyper-V's own format: VHDX, and AVHDX for what builds on another. */
export const VHDX = {
  id: 'vhdx',
  extension: 'vhdx',
  readHead: readVhdxHead,
  writeMark: readWriteMark,
  open: openVhdxImage,
  composer: { traits: vhdxTraits, place: placeVhdxSlots, compose: composeVhdx },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
