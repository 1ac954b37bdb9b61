import {
  filesOfPoints,
  heldStanding,
  isUnrecognisedThere,
} from '../../domain/retention/still-there.js';
import { foldersInId } from '../../layout/names/workload-id.js';
import { scanRepository } from '../../layout/scan-repository.js';
import { joinPath } from '../../repository/repository-path.js';
import { statIfAllowed } from '../change/lost-files.js';
import type { MoverContext } from '../task/mover-context.js';

/** Files of a point that are asked for: a backup of thousands that is gone lacks its first ones, too. */
const MAX_ASKED = 100;

/** Looks in sources for what is missed, under the paths that it had; a source is read as a whole only where all of these are there, and once. */
export class StillThere {
  private readonly taken = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(private readonly context: MoverContext) {}

  /** @param files of the newest point of a tree, relative to it; null: an image, whose id may name it
   *  @returns null: it is not there, or it cannot be told where it was */
  async standing(
    workloadId: string,
    sourceId: string,
    files: readonly string[] | null,
  ): Promise<ReturnType<typeof heldStanding> | null> {
    for (const folder of foldersInId(workloadId)) {
      const paths =
        files === null ? [folder] : files.slice(0, MAX_ASKED).map((path) => joinPath(folder, path));
      const present = await this.present(sourceId, paths);
      if (!isUnrecognisedThere(paths, present, new Set())) continue;
      if (isUnrecognisedThere(paths, present, await this.takenIn(sourceId)))
        return heldStanding(folder);
    }
    return null;
  }

  private async present(sourceId: string, paths: readonly string[]): Promise<ReadonlySet<string>> {
    const source = await this.context.source(sourceId);
    const present = new Set<string>();
    for (const path of paths) {
      if (path === '' || (await statIfAllowed(source, path))?.type !== 'file') break;
      present.add(path);
    }
    return present;
  }

  private takenIn(sourceId: string): Promise<ReadonlySet<string>> {
    const known = this.taken.get(sourceId) ?? this.read(sourceId);
    this.taken.set(sourceId, known);
    return known;
  }

  private async read(sourceId: string): Promise<ReadonlySet<string>> {
    const source = await this.context.source(sourceId);
    const onUnseen = (): void => undefined; // what cannot be read takes nothing
    const workloads = await scanRepository(source, { onUnseen }, this.context.facts);
    return new Set(workloads.flatMap(filesOfPoints));
  }
}
