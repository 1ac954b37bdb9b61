import { joinPath } from '../../repository/repository-path.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { datedPlace } from '../dated-folders.js';
import type { DraftPoint } from '../settle-chains.js';
import { loneIds } from '../single-file.js';
import { machineIds } from '../vmware-machine/machine-ids.js';
import { folderWorkloadId } from '../workload-id.js';
import { baseName, isMark, parseRunName, type RunName } from './names.js';

/** Whether another run of the machine, named in the same way, has the mark of the tool: then this is one, too.
 *  @throws what the repository throws */
export async function isMarkedBeside(
  repository: SourceRepository,
  { machinePath, path }: RunName,
): Promise<boolean> {
  for (const { type, name } of await repository.list(machinePath)) {
    const other = joinPath(machinePath, name);
    if (type !== 'folder' || other === path) continue;
    if (parseRunName(other)?.isOfOwnConvention !== true) continue;
    const files = await repository.list(other);
    if (files.some((file) => file.type === 'file' && isMark(file.name))) return true;
  }
  return false;
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
    const own = baseName(file.path);
    const folder = file.path.slice(0, -own.length - 1);
    if (/\.vmx$/i.test(own)) return machineIds(path, own.slice(0, -'.vmx'.length));
    return /\.vmdk$/i.test(own) ? loneIds('disk', folder, own) : [];
  });
  if (numbered !== undefined) ids.push(folderWorkloadId('ghettovcb', joinPath(above, numbered)));
  return [...new Set(ids)];
}
