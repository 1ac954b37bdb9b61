import type { ImageComposer, ImageFormat } from '../image-format.js';
import { composeVirtnbd, placeVirtnbdSlots, prefixOf, virtnbdTraits } from './compose.js';
import { readVirtnbdHead } from './virtnbd-head.js';
import { openVirtnbdImage } from './virtnbd-image.js';

/** Streams of virtnbdbackup: `.full.data`, `.inc.….data`, `.diff.….data`, `.copy.data`. Compressed ones are read, plain ones are written, too. */
export const VIRTNBD = {
  id: 'virtnbd',
  extension: 'data',
  readHead: readVirtnbdHead,
  open: openVirtnbdImage,
  composer: {
    traits: virtnbdTraits,
    place: placeVirtnbdSlots,
    prefixes: () => prefixOf,
    compose: composeVirtnbd,
  },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
