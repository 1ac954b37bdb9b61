/** Names of staging folders, as they also go through Temporal: a copy is staged under the id of its point, other work beside it. */

const VERIFY_PREFIX = 'verify-';
const FULL_SUFFIX = '-full';
const MERGE_SUFFIX = '-merge';
const COMPARE_PREFIX = 'compare-';
const HEAL_PREFIX = 'heal-';

/** Of the full that is to replace the files of a point. */
export function fullStagingId(pointId: string): string {
  return `${pointId}${FULL_SUFFIX}`;
}

export function isFullStagingId(stagingId: string): boolean {
  return stagingId.endsWith(FULL_SUFFIX);
}

/** Of the comparison of a source point with the copy that it may be. */
export function comparisonStagingId(pointId: string): string {
  return `${COMPARE_PREFIX}${pointId}`;
}

/** Of how far a verification of a point is, and of its lease. */
export function verifyStagingId(pointId: string): string {
  return `${VERIFY_PREFIX}${pointId}`;
}

export function isVerifyStagingId(stagingId: string): boolean {
  return stagingId.startsWith(VERIFY_PREFIX);
}

/** Of what is about to be put in place of something damaged in the files of a point. */
export function healStagingId(pointId: string): string {
  return `${HEAL_PREFIX}${pointId}`;
}

/** Of what a health check is about to mark, and to set aside. */
export const MARK_STAGING_ID = 'mark';

/** Of what was found by whoever has taken the chain over. */
export const TAKE_STAGING_ID = 'take';

/** Of what is about to be discarded for want of room. */
export const DISCARD_STAGING_ID = 'discard';

/** In the destination of a restore; also what tells one that was stopped. */
export function restoreStaging(pointId: string): string {
  return `.longhaul-restore-${pointId}`;
}

/** Beside a merge of this increment. */
export function mergeStagingId(restorePointId: string): string {
  return `${restorePointId}${MERGE_SUFFIX}`;
}

export function isMergeStagingId(stagingId: string): boolean {
  return stagingId.endsWith(MERGE_SUFFIX);
}
