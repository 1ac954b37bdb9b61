import { basename, dirname, join, resolve } from 'node:path';

/** Where a folder lies: by its path, with links followed as far as it exists, and by what is there. A bind mount gives one folder two
 *  paths, and both have the same device and inode. */
export interface FolderPlace {
  readonly path: string;
  /** `<device>:<inode>` of the folder and of each one above it; null where none exists yet. Empty: nobody has looked, or its storage does not answer. */
  readonly identities: readonly (string | null)[];
}

/** Of a folder by its absolute path. */
export type PlaceOf = (folder: string) => FolderPlace;

/** Looks at nothing. */
export const byPathAlone: PlaceOf = (path) => ({ path, identities: [] });

/** What is asked of the file systems. null: nothing is there, or it is no link. */
export interface PlaceLooks {
  /** @throws StorageSilent */
  realPath(path: string): Promise<string | null>;
  /** @throws StorageSilent */
  identity(path: string): Promise<string | null>;
  /** @throws StorageSilent */
  linkEnd(path: string): Promise<string | null>;
}

/** A look that had no answer in time. */
export class StorageSilent extends Error {}

/** Looks at all folders at once.
 *  @param folders absolute
 *  @returns `silent`: those that did not answer, which are placed by their paths alone */
export async function placesOf(
  folders: readonly string[],
  looks: PlaceLooks,
): Promise<{ placeOf: PlaceOf; silent: readonly string[] }> {
  const places = new Map<string, FolderPlace>();
  const silent: string[] = [];
  await Promise.all(
    [...new Set(folders)].map(async (folder) => {
      try {
        places.set(folder, await lookForPlace(folder, looks));
      } catch (error) {
        if (!(error instanceof StorageSilent)) throw error;
        silent.push(folder);
      }
    }),
  );
  return { placeOf: (folder) => places.get(folder) ?? byPathAlone(folder), silent };
}

async function lookForPlace(folder: string, looks: PlaceLooks): Promise<FolderPlace> {
  const path = await realPath(folder, looks, MAX_LINKS);
  const identities: (string | null)[] = [];
  for (let at = path; ; at = dirname(at)) {
    identities.push(await looks.identity(at));
    if (at === dirname(at)) return { path, identities };
  }
}

/** What is there decides as far as it is there; a link whose end does not exist yet leads where it will be made. */
async function realPath(absolute: string, looks: PlaceLooks, linksLeft: number): Promise<string> {
  const real = await looks.realPath(absolute);
  if (real !== null) return real;
  const parent = dirname(absolute);
  if (parent === absolute || linksLeft === 0) return absolute;
  const place = join(await realPath(parent, looks, linksLeft), basename(absolute));
  const end = await looks.linkEnd(place);
  return end === null ? place : realPath(resolve(dirname(place), end), looks, linksLeft - 1);
}

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;
