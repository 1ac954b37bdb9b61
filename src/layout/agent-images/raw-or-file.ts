import type { FormatId } from '../../domain/sources/source-workload.js';
import { WHOLE_FILE } from '../../image/formats.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { fileStart } from '../file-start.js';
import type { Finding } from '../point-fault.js';
import type { FormatByContent } from '../images/single-file.js';
import { NO_WHOLE_DISK, rawFault } from '../images/whole-image.js';

/** Programs that keep only the blocks in use, under names of raw disks. Source: partclone src/partclone.h, ntfsprogs ntfsclone.c, partimage. */
const BLOCKS_IN_USE = ['partclone-image', '\0ntfsclone-image', 'PaRtImAgE-VoLuMe'];

/** A raw disk is a whole number of sectors. Another file is what one of those programs wrote, or one that nobody knows; either travels byte for byte. */
export async function rawOrFile(
  facts: FolderFacts,
  entry: RepositoryEntry,
  named: FormatId,
): Promise<Finding<FormatByContent>> {
  if (named !== 'raw' || entry.stamp.sizeBytes === 0) return { value: { format: named } };
  const start = await fileStart(facts, entry);
  if ('fault' in start) return start;
  if (BLOCKS_IN_USE.some((magic) => start.value.startsWith(magic)))
    return { value: { format: WHOLE_FILE } };
  const fault = rawFault(entry);
  if (fault === null) return { value: { format: 'raw' } };
  return {
    value: {
      format: WHOLE_FILE,
      doubt: `${fault.reason}: ${NO_WHOLE_DISK}`,
    },
  };
}
