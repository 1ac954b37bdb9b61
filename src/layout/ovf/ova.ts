import { singleFilesLayout } from '../single-files.js';
import { VSPHERE } from '../vsphere-type.js';

/** OVF packages in one file, of whatever product: `<name>.ova`. */
export const ovaLayout = singleFilesLayout({
  ...{ name: 'ova', type: VSPHERE, prefix: 'ova' },
  formats: { ova: 'ova' },
});
