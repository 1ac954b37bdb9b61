import { orPacked } from '../names/packed-endings.js';
import { singleFilesLayout } from '../images/single-files.js';
import { VSPHERE } from '../vsphere-type.js';

/** OVF packages in one file, of whatever product: `<name>.ova`, packed once more or not. */
export const ovaLayout = singleFilesLayout({
  ...{ name: 'ova', type: VSPHERE, prefix: 'ova' },
  restoredWith: '`ovftool web01.ova vi://esx01`',
  formats: orPacked({ ova: 'ova' }),
});
