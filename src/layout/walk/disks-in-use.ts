import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { rawImageLayout } from '../agent-images/agent-images.js';
import { diskImageLayout, vhdImageLayout } from '../cloud-exports/cloud-exports.js';
import { descriptorOfExtent } from '../ghettovcb/names.js';
import { loneIds } from '../images/single-file.js';

/** By ending, as what each of them was listed before its folder was known to be where machines run. */
const LISTED_AS = [
  // One that builds on a raw disk was listed with that.
  { ending: /\.qcow2$/i, prefixes: ['disk', 'raw'], type: diskImageLayout.type.id },
  { ending: /\.vmdk$/i, prefixes: ['disk'], type: diskImageLayout.type.id },
  { ending: /\.(?:raw|img)$/i, prefixes: ['raw'], type: rawImageLayout.type.id },
  { ending: /\.vhd$/i, prefixes: ['vhd'], type: vhdImageLayout.type.id },
];

/** Disks that machines run on, without a restore point: they are no backups, and were copied as such by releases that did not tell them by their place. Without these
 *  such copies would count as those of removed workloads, although their disks are there. Disks of Nutanix have no ending: none of them was copied.
 *  @param apart what is set apart in the folder (`set-apart.ts`)
 *  @param others that were found in it: what they are, or were, is seen with them */
export function disksInUse(
  folder: string,
  apart: readonly RepositoryEntry[],
  others: readonly Pick<SourceWorkload, 'id' | 'otherIds'>[],
): SourceWorkload[] {
  const known = new Set(others.flatMap(({ id, otherIds = [] }) => [id, ...otherIds]));
  const disks = new Map<string, SourceWorkload>();
  for (const { name } of apart) {
    const row = LISTED_AS.find(({ ending }) => ending.test(name));
    if (row === undefined || descriptorOfExtent(name) !== null) continue;
    const ids = row.prefixes.flatMap((prefix) => loneIds(prefix, folder, name));
    const [id = '', ...otherIds] = ids;
    if (known.has(id)) continue;
    disks.set(id, {
      ...{ id, name, type: row.type, folders: [folder], restorePoints: [] },
      ...(otherIds.length === 0 ? {} : { otherIds }),
      ...{ makesFullsOnly: true, isOnlySeen: true },
    });
  }
  return [...disks.values()];
}
