import type { FileTraits, SourceRestorePoint } from '../../domain/sources/source-workload.js';
import type { KeptFile } from '../../domain/targets/target-point.js';
import { BackupError } from '../../domain/errors.js';
import { placesInTree } from '../../domain/trees/tree-path.js';
import { WHOLE_FILE } from '../../image/formats.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import type { LayerFile } from '../blocks/layer-file.js';
import type { CompanionFile } from '../blocks/companion-file.js';

/** The files of a source restore point beside what its images show: how each is to be kept, and the companions. */
interface PointFiles {
  /** Those that are copied whole. */
  readonly companions: readonly CompanionFile[];
  /** Larger ones are copied like disks, in windows, each under a name that no disk has. */
  readonly companionDisks: ReadonlyMap<string, LayerFile>;
  /** By disk, of companions too. */
  readonly traits: ReadonlyMap<string, KeptFile>;
}

/** What is read and written in one go. */
const MAX_WHOLE_BYTES = 1024 * 1024;

/** Looks at each file of the point once; opens none.
 *  @throws FILE_MISSING when one is gone */
export async function pointFiles(
  repository: SourceRepository,
  { disks, companions }: Pick<SourceRestorePoint, 'disks' | 'companions'>,
): Promise<PointFiles> {
  const places = placesInTree([...disks, ...companions]);
  const traits = new Map<string, KeptFile>();
  for (const [index, disk] of disks.entries())
    traits.set(disk.disk, traitsOf(disk, places[index]!, await entryOf(repository, disk.path)));
  const whole: CompanionFile[] = [];
  const large = new Map<string, LayerFile>();
  for (const [index, companion] of companions.entries()) {
    const { path, digest, digestsPath } = companion;
    const as = places[disks.length + index]!;
    const entry = await entryOf(repository, path);
    const file = { repositoryId: repository.id, path, stamp: entry.stamp };
    const own = traitsOf(companion, as, entry);
    if (entry.stamp.sizeBytes <= MAX_WHOLE_BYTES) {
      whole.push({ ...file, ...own, ...(digest === undefined ? {} : { digest }) });
      continue;
    }
    const digests = digestsPath === undefined ? {} : { digestsPath };
    large.set(companionDisk(as), { ...file, format: WHOLE_FILE, ...digests });
    traits.set(companionDisk(as), { ...own, isCompanion: true });
  }
  return { companions: whole, companionDisks: large, traits };
}

/** Name of the disk that a large companion is copied as. */
function companionDisk(as: string): string {
  return `companion:${as}`;
}

function traitsOf(known: FileTraits, as: string, { stamp, mode }: RepositoryEntry): FileTraits {
  const bits = known.mode ?? mode;
  const { asFormat, modifiedAtNs = stamp.modifiedAtNs } = known;
  return {
    ...{ as, modifiedAtNs },
    ...(asFormat === undefined ? {} : { asFormat }),
    ...(bits === undefined ? {} : { mode: bits }),
  };
}

async function entryOf(repository: SourceRepository, path: string): Promise<RepositoryEntry> {
  const entry = await repository.stat(path);
  if (entry !== null) return entry;
  throw new BackupError('FILE_MISSING', `${path} is missing`, {
    details: { repositoryId: repository.id, path },
  });
}
