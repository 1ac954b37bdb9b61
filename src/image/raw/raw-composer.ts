import type { ComposerTraits, ImageComposer } from '../image-format.js';

const TRAITS: ComposerTraits = {
  kinds: ['full'],
  parents: [],
  parentSize: 'any',
  slotOrder: 'guest',
  granuleBlocks: 1,
  zeros: 'stored',
  maxDiskBytes: Number.MAX_SAFE_INTEGER,
};

/** Of files that are their disk, byte for byte: there is nothing but slots. */
export const RAW_COMPOSER: ImageComposer = {
  traits: () => TRAITS,
  place: () => ({ headBytes: 0, groupSlots: 0, prefixBytes: 0 }),
  compose: async (sink, { virtualSizeBytes }) => {
    await sink.truncate(virtualSizeBytes);
    await sink.sync();
    return { sizeBytes: virtualSizeBytes };
  },
};
