/** Names of staging folders, as they also go through Temporal: a copy is staged under the id of its point, other work beside it. */

const VERIFY_PREFIX = 'verify-';
const FULL_SUFFIX = '-full';

/** Of the full that is to replace the files of a point. */
export function fullStagingId(pointId: string): string {
  return `${pointId}${FULL_SUFFIX}`;
}

export function isFullStagingId(stagingId: string): boolean {
  return stagingId.endsWith(FULL_SUFFIX);
}

/** Of how far a verification of a point is, and of its lease. */
export function verifyStagingId(pointId: string): string {
  return `${VERIFY_PREFIX}${pointId}`;
}

export function isVerifyStagingId(stagingId: string): boolean {
  return stagingId.startsWith(VERIFY_PREFIX);
}
