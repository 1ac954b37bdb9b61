import { opaqueFormat } from '../file/opaque-format.js';
import type { ImageFormat } from '../image-format.js';
import { readVmdkHead } from './vmdk-head.js';
import { openVmdkImage } from './vmdk-image.js';

/** A disk of an OVF package: it travels byte for byte, because the manifest beside it holds its digest and a certificate may sign that. Made anew it would
 *  be another file, and the package refused by whoever deploys it. */
export const VMDK_STREAM: ImageFormat = {
  ...opaqueFormat({
    id: 'vmdk-stream',
    extension: 'vmdk',
    assertWhole: async (source) => {
      await readVmdkHead(source);
    },
  }),
  heldDisks: { list: () => Promise.resolve([null]), open: (source) => openVmdkImage(source) },
};
