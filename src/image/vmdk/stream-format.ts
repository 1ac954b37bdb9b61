import { opaqueFormat } from '../file/opaque-format.js';
import type { ImageFormat } from '../image-format.js';
import { readVmdkHead } from './vmdk-head.js';
import { openVmdkImage } from './vmdk-image.js';

const AS_IT_IS = opaqueFormat({ id: 'vmdk-stream', extension: 'vmdk' });

/** A disk of an OVF package: it travels byte for byte, because the manifest beside it holds its digest and a certificate may sign that. Made anew it would
 *  be another file, and the package refused by whoever deploys it. */
export const VMDK_STREAM: ImageFormat = {
  ...AS_IT_IS,
  // Whoever looks must see that a file alone is no whole disk (`parentCID`), whatever it travels as.
  readHead: async (source) => {
    const { parent } = await readVmdkHead(source);
    return { ...(await AS_IT_IS.readHead(source)), parent };
  },
  heldDisks: { list: () => Promise.resolve([null]), open: (source) => openVmdkImage(source) },
};
