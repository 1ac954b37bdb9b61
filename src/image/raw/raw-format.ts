import type { ImageComposer, ImageFormat } from '../image-format.js';
import { openRawImage } from './raw-image.js';

/** A disk as it is, byte for byte. */
export const RAW = {
  id: 'raw',
  extension: 'raw',
  readHead: (source) => Promise.resolve(openRawImage(source)),
  open: (source) => Promise.resolve(openRawImage(source)),
  composer: {
    kinds: ['full'],
    parents: [],
    slotOrder: 'guest',
    maxDiskBytes: Number.MAX_SAFE_INTEGER,
    place: () => ({ headBytes: 0, groupSlots: 0, prefixBytes: 0 }),
    compose: async (sink, { virtualSizeBytes }) => {
      await sink.truncate(virtualSizeBytes);
      await sink.sync();
      return { sizeBytes: virtualSizeBytes };
    },
  },
  merger: null,
} as const satisfies ImageFormat & { readonly composer: ImageComposer };
