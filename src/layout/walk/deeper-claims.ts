import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import type { Claim } from '../backup-layout.js';

interface Claimed {
  readonly folder: string;
  readonly trees: readonly { readonly claim: Claim }[];
}

interface Listed {
  readonly files: readonly RepositoryEntry[];
  readonly within: readonly RepositoryEntry[];
}

/** What was claimed from a folder above the one that it lies in, each until the walk comes to that. */
export class DeeperClaims {
  readonly #paths = new Set<string>();
  /** Folders in which they lie, at any depth. */
  readonly #above = new Set<string>();

  add({ folder, trees }: Claimed): void {
    for (const { claim } of trees)
      for (const path of [...claim.files, ...(claim.folders ?? [])])
        if (path.includes('/')) this.#add(joinPath(folder, path));
  }

  /** Whether something in it was claimed, so that no layout gets to see it from the folder above: it would see that, too. What is left of it is shared out
   *  when the walk comes to it. */
  holdsClaimed(path: string): boolean {
    return this.#above.has(path);
  }

  #add(path: string): void {
    this.#paths.add(path);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end);
      if (this.#above.has(above)) break;
      this.#above.add(above);
    }
  }

  /** The rest of a folder that the walk comes to.
   *  @returns `held`: paths of folders in it of which a part is claimed. They are not in `found` */
  leftOf<F extends Listed>(listed: F): { readonly found: F; readonly held: readonly string[] } {
    if (this.#paths.size === 0) return { found: listed, held: [] };
    const isLeft = ({ path }: RepositoryEntry): boolean => !this.#paths.delete(path);
    const within = listed.within.filter(isLeft);
    const held = within.map(({ path }) => path).filter((path) => this.holdsClaimed(path));
    const found = {
      ...listed,
      files: listed.files.filter(isLeft),
      within: within.filter(({ path }) => !this.holdsClaimed(path)),
    };
    return { found, held };
  }
}

/** A claim without what lies in a folder that another layout has claimed, and without the folders in which one has claimed something: they are nobody's with everything in them. */
export function withoutShared(
  claim: Claim | null,
  before: readonly { readonly claim: Claim }[],
): Claim | null {
  if (claim === null || before.length === 0) return claim;
  const taken = new Set(
    before.flatMap(({ claim: other }) => [...other.files, ...(other.folders ?? [])]),
  );
  const shared = new Set<string>();
  for (const { claim: other } of before)
    for (const path of [...other.files, ...(other.folders ?? [])])
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
        shared.add(path.slice(0, end));
  const isFree = (path: string): boolean => !isIn(taken, path);
  const files = claim.files.filter(isFree);
  const folders = claim.folders?.filter((path) => !shared.has(path) && isFree(path));
  if (files.length + (folders?.length ?? 0) === 0) return null;
  return { ...claim, files, ...(folders === undefined ? {} : { folders }) };
}

/** Whether a path from the folder is, or lies in, what trees have claimed deeper than in the folder itself. */
export function claimedBelow(trees: Claimed['trees']): (within: string) => boolean {
  const paths = new Set(
    trees
      .flatMap(({ claim }) => [...claim.files, ...(claim.folders ?? [])])
      .filter((path) => path.includes('/')),
  );
  if (paths.size === 0) return () => false;
  return (within) => isIn(paths, within);
}

/** Whether a path is one of these, or lies in one. */
function isIn(paths: ReadonlySet<string>, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
    if (paths.has(path.slice(0, end))) return true;
  return false;
}
