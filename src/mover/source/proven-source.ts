import { judgedShort, UNDATED_ID } from '../../domain/sources/source-identity.js';
import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import type { CopiedSource } from '../../domain/targets/target-point.js';

/** What the commit record keeps of a source point that is proven to be what a copy shows: one that is being copied, or was compared whole. */
export function provenSource(
  { sourceRepositoryId, epoch }: { readonly sourceRepositoryId: string; readonly epoch: number },
  { id, createdAtMs, fingerprint, copyId, backup, short }: SourceRestorePoint,
): CopiedSource {
  const isOfEpoch = fingerprint === null && copyId === undefined;
  return {
    repositoryId: sourceRepositoryId,
    restorePointId: id,
    fingerprint,
    ...(copyId === undefined ? {} : { copyId }),
    ...(backup === undefined ? {} : { backup }),
    ...judgedShort(short, epoch),
    ...(isOfEpoch ? { provenInEpoch: epoch } : {}),
    ...(isOfEpoch && id === UNDATED_ID
      ? { provenCreatedAt: new Date(createdAtMs).toISOString() }
      : {}),
  };
}
