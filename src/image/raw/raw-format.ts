import { headOfImage } from '../disk-image.js';
import type { ImageFormat } from '../image-format.js';
import { RAW_COMPOSER } from './raw-composer.js';
import { openRawImage } from './raw-image.js';

/** A disk as it is, byte for byte. */
export const RAW: ImageFormat = {
  id: 'raw',
  extension: 'raw',
  readHead: (source) => Promise.resolve(headOfImage(openRawImage(source))),
  open: (source) => Promise.resolve(openRawImage(source)),
  composer: RAW_COMPOSER,
  merger: null,
};
