import { orPacked } from '../names/packed-endings.js';
import { singleFilesLayout } from '../images/single-files.js';
import { vzdumpLayout } from './vzdump.js';

/** Archives of Proxmox VE that were renamed, or written by `vma create` itself: the machine is in the file, and the name tells nothing of it.
 *  `qmrestore` takes them under any name. */
export const loneVmaLayout = singleFilesLayout({
  name: 'lone-vma',
  restoredWith: '`qmrestore web01.vma 100`',
  type: vzdumpLayout.type,
  prefix: 'vma',
  formats: orPacked({ vma: 'vma' }),
});
