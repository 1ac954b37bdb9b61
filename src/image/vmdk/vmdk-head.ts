import type { ByteSource } from '../byte-source.js';
import type { ImageHead } from '../disk-image.js';
import type { ImageExtents } from '../image-format.js';
import { headOf, openVmdkDisk } from './vmdk-disk.js';

/** Reads descriptor, headers and grain directories, and the last grain tables of each part: data that were written in the order of the disk end
 *  there. That every entry of all tables lies inside the file is seen when its copy is planned.
 *  @throws IMAGE_TRUNCATED when a part is still being written or was cut off; and as `openVmdkDisk` */
export async function readVmdkHead(source: ByteSource, files?: ImageExtents): Promise<ImageHead> {
  const disk = await openVmdkDisk(source, files);
  for (const extent of disk.extents) await extent.checkEnd();
  return headOf(source, disk);
}
