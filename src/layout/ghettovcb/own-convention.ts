import { joinPath, lastName } from '../../repository/repository-path.js';
import type { RepositoryEntry, SourceRepository } from '../../repository/backup-repository.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { datedPlace } from '../names/dated-folders.js';
import { writtenAtMs } from '../names/named-date.js';
import type { DraftPoint } from '../images/settle-chains.js';
import { loneIds } from '../images/single-file.js';
import { machineIds } from '../vmware-machine/machine-ids.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { isDefinition, isMark, parseRunName, type RunName } from './names.js';
import { DAY_MS } from '../../domain/elapsed.js';

/** Whether this is a run under way, by another one that is named in the same way and has the mark of the tool: that of the same machine, as its definition has the same name.
 *  A folder that has no date in its name and was written to last long before the newest mark may be a copy by hand.
 *  @param files of the run
 *  @throws what the repository throws */
export async function isUnderWay(
  { repository, siblings }: FolderFacts,
  { machinePath, path, date }: RunName,
  files: readonly ClaimedFile[],
): Promise<boolean> {
  const own = files.flatMap(({ name, within }) => (name === within ? [name] : []));
  const definitions = new Set(own.filter(isDefinition));
  const runs = await siblings.once(`ghettoVCB: ${machinePath}`, () =>
    markedRuns(repository, machinePath),
  );
  const marks = runs.flatMap((run) =>
    run.path !== path && run.definitions.some((name) => definitions.has(name)) ? run.marks : [],
  );
  if (marks.length === 0) return false;
  return date !== null || writtenAtMs(files) >= writtenAtMs(marks) - DAY_MS;
}

interface MarkedRun {
  readonly path: string;
  readonly definitions: readonly string[];
  readonly marks: readonly RepositoryEntry[];
}

/** Runs of one folder that are named after a convention of one's own and have the mark of the tool. */
async function markedRuns(repository: SourceRepository, machinePath: string): Promise<MarkedRun[]> {
  const runs: MarkedRun[] = [];
  for (const { type, name } of await repository.list(machinePath)) {
    const path = joinPath(machinePath, name);
    if (type !== 'folder' || parseRunName(path)?.isOfOwnConvention !== true) continue;
    const files = (await repository.list(path)).filter((file) => file.type === 'file');
    const marks = files.filter((file) => isMark(file.name));
    const definitions = files.map((file) => file.name).filter(isDefinition);
    if (marks.length > 0) runs.push({ path, definitions, marks });
  }
  return runs;
}

/** What the runs were before such names were known, or are without their mark: disks that lie alone, the folder of a machine, and where a name ends in a number
 *  the machine before that. */
export function formerIds(
  { path, machinePath, name }: RunName,
  drafts: readonly DraftPoint[],
): string[] {
  const numbered = /^(?<machine>.+)-\d{1,4}$/.exec(name)?.groups?.['machine'];
  const above = datedPlace(machinePath).place;
  const files = drafts.flatMap(({ disks, companions }) => [...disks, ...companions]);
  const ids = files.flatMap((file) => {
    const own = lastName(file.path);
    const folder = file.path.slice(0, -own.length - 1);
    if (/\.vmx$/i.test(own)) return machineIds(path, own.slice(0, -'.vmx'.length));
    return /\.vmdk$/i.test(own) ? loneIds('disk', folder, own) : [];
  });
  if (numbered !== undefined) ids.push(folderWorkloadId('ghettovcb', joinPath(above, numbered)));
  return [...new Set(ids)];
}
