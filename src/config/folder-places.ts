import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Where a folder lies: by its path, with links followed as far as it exists, and by what is there. A bind mount gives one folder two
 *  paths, and both have the same device and inode. */
export interface FolderPlace {
  readonly path: string;
  /** `<device>:<inode>` of the folder and of each one above it; null where none exists yet. Empty: its storage does not answer. */
  readonly identities: readonly (string | null)[];
}

/** What is asked of the file systems. null: nothing is there, or it is no link. */
export interface PlaceLooks {
  /** @throws StorageSilent */
  realPath(path: string): string | null;
  /** @throws StorageSilent */
  identity(path: string): string | null;
  /** @throws StorageSilent */
  linkEnd(path: string): string | null;
}

/** A look that had no answer in time. */
export class StorageSilent extends Error {}

/** Waits for as long as storage takes. */
export const patientLooks: PlaceLooks = {
  realPath: (path) => orNull(() => realpathSync(path)),
  linkEnd: (path) => orNull(() => readlinkSync(path)),
  identity: (path) =>
    orNull(() => {
      const { dev, ino } = statSync(path, { bigint: true });
      return `${dev}:${ino}`;
    }),
};

function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}

/** Places of folders, each looked for once. */
export class FolderPlaces {
  readonly #known = new Map<string, FolderPlace>();

  /** @param folder where relative paths start */
  constructor(
    private readonly folder: string,
    private readonly looks: PlaceLooks,
  ) {}

  of(path: string): FolderPlace {
    const absolute = resolve(this.folder, path);
    const known = this.#known.get(absolute) ?? this.#look(absolute);
    this.#known.set(absolute, known);
    return known;
  }

  #look(absolute: string): FolderPlace {
    try {
      const path = this.#realPath(absolute, MAX_LINKS);
      const identities: (string | null)[] = [];
      for (let at = path; ; at = dirname(at)) {
        identities.push(this.looks.identity(at));
        if (at === dirname(at)) return { path, identities };
      }
    } catch (error) {
      if (!(error instanceof StorageSilent)) throw error;
      return { path: absolute, identities: [] };
    }
  }

  /** What is there decides as far as it is there; a link whose end does not exist yet leads where it will be made. */
  #realPath(absolute: string, linksLeft: number): string {
    const real = this.looks.realPath(absolute);
    if (real !== null) return real;
    const parent = dirname(absolute);
    if (parent === absolute || linksLeft === 0) return absolute;
    const place = join(this.#realPath(parent, linksLeft), basename(absolute));
    const end = this.looks.linkEnd(place);
    return end === null ? place : this.#realPath(resolve(dirname(place), end), linksLeft - 1);
  }
}

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;
