import type { RepositoryEntry } from '../backup-repository.js';
import type { FileCalls } from '../file-calls.js';
import { errnoOf } from '../storage-error.js';
import { entryOf, pathIn, type ListedName } from './listed-entry.js';
import { identityOf, type NamePlace, type OpenFolder } from './open-folder.js';

type LstatNow = NonNullable<FileCalls['lstatNow']>;

/** Names from which on their path is worth the two looks at where it leads. */
const WORTH_A_PATH = 8;

/** What the names of a folder that is held open are; null for those that went away since they were listed.
 *
 *  A look through the open folder takes twice as long as one by its path, because of `/proc`. So many names are looked at by the path while it leads to
 *  the folder that is held, which is asked before and after them; otherwise, and each name for which the path says nothing, through the open
 *  folder. Whoever exchanges a folder on the way and puts it back between these two looks shows facts of other files for this one look: a file may count as
 *  unchanged (another name of the one that the copy knows), or as none (a link of its name). The next look sees it; what is opened is opened through the open folder, which
 *  follows no link, and has to look there as it did here. A path that leads nowhere makes no name gone. */
export async function entriesNow(
  lstatNow: LstatNow,
  open: OpenFolder,
  folder: string,
  names: readonly ListedName[],
): Promise<(RepositoryEntry | null)[]> {
  const byPath =
    names.length < WORTH_A_PATH
      ? null
      : entriesByPath(lstatNow, open, folder, names, await open.identity());
  return byPath ?? names.map((name) => entryThrough(lstatNow, open, folder, name));
}

/** null: the path leads elsewhere. */
function entriesByPath(
  lstatNow: LstatNow,
  open: OpenFolder,
  folder: string,
  names: readonly ListedName[],
  identity: string,
): (RepositoryEntry | null)[] | null {
  const place: NamePlace = { at: (name) => `${open.openedAt}/${name}` };
  const leadsHere = (): boolean => {
    try {
      const found = lstatNow(place.at('.'));
      return found !== null && identityOf(found) === identity;
    } catch (error) {
      if (errnoOf(error) === null) throw error;
      return false;
    }
  };
  if (!leadsHere()) return null;
  const entries = names.map((name) => {
    try {
      const found = lstatNow(pathIn(name, place));
      if (found !== null) return entryOf(folder, name, found);
    } catch (error) {
      if (errnoOf(error) === null) throw error;
    }
    return entryThrough(lstatNow, open, folder, name);
  });
  return leadsHere() ? entries : null;
}

function entryThrough(
  lstatNow: LstatNow,
  open: OpenFolder,
  folder: string,
  name: ListedName,
): RepositoryEntry | null {
  const found = lstatNow(pathIn(name, open));
  return found === null ? null : entryOf(folder, name, found);
}
