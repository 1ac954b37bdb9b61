import { NO_SLOTS } from '../../domain/targets/file-units.js';
import type { ComposerTraits, ImageComposer, ImageFormat } from '../image-format.js';
import { composeQcow2, MAX_COMPOSED_DISK_BYTES, placeQcow2Slots } from './compose.js';
import { mergeInPlace, mergeRefusal } from './merge-in-place.js';
import { readQcow2Head } from './qcow2-head.js';
import { openQcow2Image } from './qcow2-image.js';

const TRAITS: ComposerTraits = {
  kinds: ['full', 'increment'],
  parents: ['qcow2', 'raw'],
  parentSize: 'any',
  slotOrder: 'any',
  granuleBlocks: 1,
  zeros: 'marked',
  maxDiskBytes: MAX_COMPOSED_DISK_BYTES,
};

/** QEMU's own format, version 2 and 3. */
export const QCOW2 = {
  id: 'qcow2',
  extension: 'qcow2',
  readHead: readQcow2Head,
  open: openQcow2Image,
  composer: {
    traits: () => TRAITS,
    place: placeQcow2Slots,
    compose: composeQcow2,
  },
  merger: {
    refusal: async (full, increment, look) =>
      mergeRefusal(await openQcow2Image(full), await openQcow2Image(increment), look),
    merge: async (full, increment, look) => {
      await mergeInPlace(
        full,
        { image: await openQcow2Image(increment), source: increment },
        { look },
      );
      // Wherever there is room.
      return NO_SLOTS;
    },
  },
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
