import { fileTraits } from '../../domain/targets/file-traits.js';
import { BackupError } from '../../domain/errors.js';
import { pathSegment } from '../../domain/targets/path-segment.js';
import { convertedFormat, type RestoreFormat } from '../../domain/targets/restore-format.js';
import { type FileTraits, type FormatId } from '../../domain/sources/source-workload.js';
import type { KeptFile, TargetCompanion } from '../../domain/targets/target-point.js';
import { placesInTree, treeFault } from '../../domain/trees/tree-path.js';
import { PLAIN_DIALECT } from '../../image/disk-image.js';
import { fullFormat, isMisnamed } from '../../image/formats.js';

/** What is restored of a point: its disks, as the point has them or as they are planned, and its companions. */
interface RestoredContent {
  readonly disks: readonly (KeptFile & { readonly disk: string; readonly format: FormatId })[];
  readonly companions: readonly Pick<TargetCompanion, 'as' | 'path' | 'modifiedAtNs' | 'mode'>[];
}

export interface RestoredFile {
  /** Path within the destination. */
  readonly name: string;
  readonly traits: FileTraits;
}

/** Where the files of a restore get to, and with which times and modes: first the disks, then the companions, in their order.
 *  In the layout of its tool each lies where that looks for it; otherwise all lie side by side, disks under their names in the source.
 *  @throws RESTORE_POINT_BROKEN when their names do not fit into one tree, RESTORE_FORMAT_UNSUITED when the tool would not read a disk under its name */
export function restoredFiles(
  { disks, companions }: RestoredContent,
  { format, layout = false }: { readonly format: RestoreFormat; readonly layout?: boolean },
): RestoredFile[] {
  if (layout) assertAsNamed(disks);
  const files = [
    ...disks.map((disk) => ({ ...disk, path: flatName(disk, format) })),
    ...companions,
  ];
  const names = placesInTree(files.map(({ as, path }) => (layout ? { path, as } : { path })));
  const fault = treeFault(names);
  if (fault !== null)
    throw new BackupError('RESTORE_POINT_BROKEN', `its files cannot lie in one tree: ${fault}`);
  return files.map((file, index) => ({ name: names[index]!, traits: fileTraits(file) }));
}

/** @throws RESTORE_FORMAT_UNSUITED */
function assertAsNamed(disks: RestoredContent['disks']): void {
  const other = disks.find(({ as, asFormat, format }) =>
    as === undefined || asFormat !== undefined ? false : isMisnamed(as, format),
  );
  if (other === undefined) return;
  throw new BackupError(
    'RESTORE_FORMAT_UNSUITED',
    `the copy of ${other.disk} is kept as ${other.format}, which is not what ${other.as!} is to be for its tool`,
    {
      details: { disk: other.disk },
      hint: 'Restore it without its layout, as it is or as raw, and make a file for its tool of that (qemu-img convert).',
    },
  );
}

function flatName(
  { disk, format, as, isCompanion }: RestoredContent['disks'][number],
  wanted: RestoreFormat,
): string {
  if (isCompanion === true && as !== undefined) return as.slice(as.lastIndexOf('/') + 1);
  const kept = convertedFormat(wanted) ?? format;
  const extension = wanted === 'raw' ? 'raw' : fullFormat(kept, PLAIN_DIALECT).extension;
  return `${pathSegment(disk)}.${extension}`;
}
