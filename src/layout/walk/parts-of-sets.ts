import type { SourceWorkload } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { gcpImageLayout } from '../cloud-exports/cloud-exports.js';
import { loneIds } from '../images/single-file.js';

/** Shards of InfluxDB, which are packed as archives are. */
const SHARD = /^\d{8}T\d{6}Z\.s?\d+\.tar\.gz$/;

/** Parts of a set of another tool, without a restore point: they are worth nothing by themselves, and were copied as archives by releases that did not look for the rest of their
 *  set. Without these such copies would count as those of removed workloads, although their files are there.
 *  @param apart what is set apart in the folder (`set-apart.ts`)
 *  @param others that were found in it: what they are, or were, is seen with them */
export function partsOfSets(
  folder: string,
  apart: readonly RepositoryEntry[],
  others: readonly Pick<SourceWorkload, 'id' | 'otherIds'>[],
): SourceWorkload[] {
  const known = new Set(others.flatMap(({ id, otherIds = [] }) => [id, ...otherIds]));
  const parts = new Map<string, SourceWorkload>();
  for (const { name } of apart) {
    if (!SHARD.test(name)) continue;
    const [id = '', ...otherIds] = loneIds('gcp', folder, name);
    if (known.has(id)) continue;
    parts.set(id, {
      ...{ id, name, type: gcpImageLayout.type.id, folders: [folder], restorePoints: [] },
      ...(otherIds.length === 0 ? {} : { otherIds }),
      ...{ makesFullsOnly: true, isOnlySeen: true },
    });
  }
  return [...parts.values()];
}
