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

  add({ folder, trees }: Claimed): void {
    for (const { claim } of trees)
      for (const path of [...claim.files, ...(claim.folders ?? [])])
        if (path.includes('/')) this.#paths.add(joinPath(folder, path));
  }

  /** The rest of a folder that the walk comes to. */
  leftOf<F extends Listed>(found: F): F {
    if (this.#paths.size === 0) return found;
    const isLeft = ({ path }: RepositoryEntry): boolean => !this.#paths.delete(path);
    return { ...found, files: found.files.filter(isLeft), within: found.within.filter(isLeft) };
  }
}

/** A claim without the folders in which another layout has claimed something: they are nobody's with everything in them. */
export function withoutShared(
  claim: Claim | null,
  before: readonly { readonly claim: Claim }[],
): Claim | null {
  if (claim?.folders === undefined) return claim;
  const shared = new Set<string>();
  for (const { claim: other } of before)
    for (const path of [...other.files, ...(other.folders ?? [])])
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
        shared.add(path.slice(0, end));
  const folders = claim.folders.filter((path) => !shared.has(path));
  if (folders.length === claim.folders.length) return claim;
  return claim.files.length + folders.length === 0 ? null : { files: claim.files, folders };
}
