import type { SourceRestorePoint } from '../../domain/restore-point.js';
import type { CopiedSource } from '../../domain/target-point.js';

/** What the commit record keeps of a source point that is proven to be what a copy shows: one that is being copied, or was compared whole. */
export function provenSource(
  { sourceRepositoryId, epoch }: { readonly sourceRepositoryId: string; readonly epoch: number },
  { id, fingerprint, copyId }: SourceRestorePoint,
): CopiedSource {
  return {
    repositoryId: sourceRepositoryId,
    restorePointId: id,
    fingerprint,
    ...(copyId === undefined ? {} : { copyId }),
    ...(fingerprint === null && copyId === undefined ? { provenInEpoch: epoch } : {}),
  };
}
