import type { ImageFormat } from '../image-format.js';
import { openRawImage } from './raw-image.js';

/** A disk as it is, byte for byte. */
export const RAW: ImageFormat = {
  id: 'raw',
  extension: 'raw',
  readHead: (source) => Promise.resolve(openRawImage(source)),
  open: (source) => Promise.resolve(openRawImage(source)),
  composer: null,
  merger: null,
};
