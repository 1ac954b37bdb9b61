import { opaqueFormat } from '../file/opaque-format.js';
import { readVmdkHead } from './vmdk-head.js';

/** A disk of an OVF package: it travels byte for byte, because the manifest beside it holds its digest and a certificate may sign that. Made anew it would
 *  be another file, and the package refused by whoever deploys it. */
export const VMDK_STREAM = opaqueFormat({
  id: 'vmdk-stream',
  extension: 'vmdk',
  assertWhole: async (source) => {
    await readVmdkHead(source);
  },
});
