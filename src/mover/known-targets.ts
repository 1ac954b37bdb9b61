import { randomUUID } from 'node:crypto';
import {
  isMarkerUnread,
  MARKER_PATH,
  markAnew,
  markAsReplacement,
  readMarker,
  type Marker,
} from '../repository/repository-marker.js';
import { BackupError, isBackupError } from '../domain/errors.js';
import type { BackupRepository, SourceRepository } from '../repository/backup-repository.js';
import { kindOf } from '../repository/kinds.js';
import {
  asTarget,
  RepositoryOpener,
  type RepositoryAccess,
  type RepositoryLocation,
  type VisitedRepository,
} from '../repository/open-repository.js';
import { isFileUnread } from '../repository/unread-file.js';
import { OWN_FOLDER } from '../repository/repository-path.js';
import type { SeenMarkers } from '../repository/seen-markers.js';

/** Opens repositories, and takes a target only for what it was before: the mount point of a share that is away is an empty folder of this
 *  machine, where a new chain would be begun and, once the share is back, be hidden. A target that has no marker yet has no past. */
export class KnownTargets {
  readonly #opener: RepositoryOpener;
  readonly #locations: readonly RepositoryLocation[];
  readonly #seen: SeenMarkers;
  /** By the repository's id; what could not be written into the memory is known to this process at least. */
  readonly #known = new Map<string, Set<string>>();

  constructor(locations: readonly RepositoryLocation[], seen: SeenMarkers) {
    this.#opener = new RepositoryOpener(locations);
    this.#locations = locations;
    this.#seen = seen;
  }

  /** @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE, REPOSITORY_NOT_MOUNTED, REPOSITORY_EXCHANGED */
  readonly open = async (id: string): Promise<RepositoryAccess> => {
    const opened = await this.#opener.open(id);
    await this.#assertTarget(id, opened.source);
    return opened;
  };

  /** For one piece of work: looked for once, and its folders stay open until it is closed.
   *  @throws what `open` throws */
  readonly visit = async (id: string): Promise<VisitedRepository> => {
    const visited = await this.#opener.visit(id);
    try {
      await this.#assertTarget(id, visited.source);
      return visited;
    } catch (error) {
      await visited.close();
      throw error;
    }
  };

  async #assertTarget(id: string, repository: SourceRepository): Promise<void> {
    if (!this.#isTarget(id)) return;
    const marker = await markerOf(repository);
    if (marker !== null && this.#known.get(id)?.has(marker.id) === true) return;
    const known = await this.#knownIds(id);
    if (known.size > 0) this.#assertKnown(id, known, marker);
    if (marker !== null) await this.#remember(id, marker.id);
  }

  /** The operator says that what lies in the folder now is the target. What it takes the place of is written into its marker, so that every
   *  process believes it, also one with a memory of its own. A copy of another target gets a marker of its own, and takes the place of that one
   *  under its own name alone. Nothing is done to any other target that is known, or to a source.
   *  @returns what is to be said of it, when nothing was done; null: nothing
   *  @throws REPOSITORY_MISSING, REPOSITORY_UNREACHABLE, CONFIG_INVALID when it is the storage of another target */
  async accept(id: string): Promise<string | null> {
    const opened = await this.#opener.open(id);
    if (!this.#isTarget(id)) return null;
    const repository = asTarget(opened);
    const known = await this.#knownIds(id);
    const marker = await markerOf(repository);
    const { markers, away } = await this.#otherTargets(id);
    const twins = marker === null ? [] : markers.filter((other) => other.marker.id === marker.id);
    const isTwin = marker !== null && twins.length > 0;
    const isMet = known.size === 0 && !(await isMarkerUnread(repository));
    if (!isTwin && (isMet || (marker !== null && isKnown(id, known, marker))))
      return marker === null ? null : notDone(away);
    const elsewhere = new Set(
      [...markers.map((other) => other.marker), ...(marker?.copyOf ?? [])].map((other) => other.id),
    );
    for (const other of away) for (const seen of await this.#knownIds(other)) elsewhere.add(seen);
    if (isTwin) {
      for (const twin of twins) await assertOwnStorage(repository, twin.repository);
      // What this target was before, it stands for: a worker with a memory of its own knows it by that.
      const own = [...known].filter((seen) => !elsewhere.has(seen));
      const made = await markAnew(repository, { id: marker.id, as: id }, own);
      await this.#remember(id, made.id);
      return null;
    }
    const copyOf = [...known]
      .filter((seen) => elsewhere.has(seen))
      .map((seen) => ({ id: seen, as: id }));
    await this.#remember(id, (await markAsReplacement(repository, [...known], copyOf)).id);
    return null;
  }

  /** @returns `away`: ids of those that cannot be looked at */
  async #otherTargets(id: string) {
    const markers: { readonly repository: SourceRepository; readonly marker: Marker }[] = [];
    const away: string[] = [];
    for (const { id: otherId } of this.#locations) {
      if (otherId === id || !this.#isTarget(otherId)) continue;
      try {
        const { source: repository } = await this.#opener.open(otherId);
        const marker = await markerOf(repository);
        if (marker !== null) markers.push({ repository, marker });
      } catch (error) {
        if (!isBackupError(error)) throw error;
        away.push(otherId);
      }
    }
    return { markers, away };
  }

  #isTarget(id: string): boolean {
    return this.#locations.some((location) => location.id === id && !location.isReadOnly);
  }

  async #knownIds(id: string): Promise<Set<string>> {
    return new Set([...(this.#known.get(id) ?? []), ...(await this.#seen.of(id))]);
  }

  async #remember(id: string, markerId: string): Promise<void> {
    this.#known.set(id, new Set([...(this.#known.get(id) ?? []), markerId]));
    await this.#seen.add(id, markerId);
  }

  #assertKnown(id: string, known: ReadonlySet<string>, marker: Marker | null): void {
    const storage = this.#locations.find((location) => location.id === id)?.storage;
    const place = storage === undefined ? '' : kindOf(storage).place(storage);
    const details = { repositoryId: id, rootPath: place, seen: [...known] };
    if (marker === null)
      throw new BackupError(
        'REPOSITORY_NOT_MOUNTED',
        `repository "${id}": ${place} does not hold the target that was there before (marker ${[...known].join(' or ')}), or its marker cannot be read: is it mounted?`,
        { details },
      );
    if (isKnown(id, known, marker)) return;
    throw new BackupError(
      'REPOSITORY_EXCHANGED',
      `repository "${id}": ${place} holds another target (marker ${marker.id}) than the one that was there before (marker ${[...known].join(' or ')})`,
      { details: { ...details, marker: marker.id } },
    );
  }
}

function isKnown(id: string, known: ReadonlySet<string>, marker: Marker): boolean {
  if (known.has(marker.id) || marker.replaces?.some((replaced) => known.has(replaced)) === true)
    return true;
  return marker.copyOf?.some((copy) => copy.as === id && known.has(copy.id)) === true;
}

/** Tried with a file, for storage does not tell: a marker that is written into one would be that of the other. */
async function assertOwnStorage(
  repository: BackupRepository,
  twin: SourceRepository,
): Promise<void> {
  const path = `${OWN_FOLDER}/probe-${randomUUID()}`;
  await repository.putNew(path, Buffer.alloc(0));
  try {
    if ((await twin.stat(path)) === null) return;
  } finally {
    await repository.remove(path);
  }
  throw new BackupError(
    'CONFIG_INVALID',
    `repository "${repository.id}" is the storage of repository "${twin.id}" under another path: nothing was done`,
    {
      details: { repositoryId: repository.id, twin: twin.id },
      hint: 'Take one of the two out of the configuration.',
    },
  );
}

/** What was not looked at may have the same marker. */
function notDone(away: readonly string[]): string | null {
  if (away.length === 0) return null;
  return `Nothing was accepted: its worker cannot look at ${away.join(', ')}, which may have the same marker.`;
}

/** null: none, or one that is damaged or cannot be read, which counts as absent. */
async function markerOf(repository: SourceRepository): Promise<Marker | null> {
  try {
    return await readMarker(repository);
  } catch (error) {
    if (isBackupError(error, 'METADATA_CORRUPT')) return null;
    if (await isFileUnread(repository, MARKER_PATH, error)) return null;
    throw error;
  }
}
