/** In which format disks are restored. Pure. */

import type { FormatId } from '../sources/source-workload.js';

/** `same`: files of the format that the target keeps, so without its chain; `raw`: the disk as it is, byte for byte; `qcow2`: each disk as a file of that
 *  format, whatever its copy is. */
// eslint-disable-next-line no-restricted-syntax -- the word that people type, and the one format that all disks can be converted to
export const RESTORE_FORMATS = ['same', 'raw', 'qcow2'] as const;
export type RestoreFormat = (typeof RESTORE_FORMATS)[number];

/** The format that disks are converted to; null: they keep that of the copy, or are no files of a format. */
export function convertedFormat(format: RestoreFormat): FormatId | null {
  return format === 'same' || format === 'raw' ? null : format;
}
