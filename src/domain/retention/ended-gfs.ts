/** GFS tiers that were turned off: their fulls stay until the day that their flags always had, unless it was said that they may go. Pure. */

import type { CopyJob, EndedGfs } from '../jobs/copy-job.js';
import type { GfsFlag, TargetRestorePoint } from '../targets/target-point.js';

type Tiers = Pick<CopyJob, 'gfs' | 'endedGfs'>;

/** For how many of their periods the flags of each tier keep a full; null: flags of this tier keep nothing. */
export function flagPeriods({ gfs, endedGfs }: Tiers): Readonly<Record<GfsFlag, number | null>> {
  return eachTier((tier) => gfs?.[tier]?.keep ?? endedGfs?.[tier] ?? null);
}

/** Without the tiers that are on; undefined when none is left. */
export function withoutTiersOf(gfs: CopyJob['gfs'], ended: EndedGfs): EndedGfs | undefined {
  const left = eachTier((tier) => ((gfs?.[tier] ?? null) === null ? ended[tier] : null));
  return Object.values(left).every((keep) => keep === null) ? undefined : left;
}

/** The same for a definition that is sent for a job.
 *  @param wanted its `endedGfs`: null lets go what only flags of tiers that are off keep; without it, all that is kept now stays */
export function endedByRequest(
  before: Tiers,
  {
    gfs,
    endedGfs: wanted,
  }: { readonly gfs: CopyJob['gfs']; readonly endedGfs?: EndedGfs | null | undefined },
): EndedGfs | undefined {
  if (wanted === null) return undefined;
  const present = flagPeriods(before);
  // Whoever turns off one tier more says what became of the others, and nothing of this one.
  const ended = eachTier((tier) =>
    wanted === undefined || (before.gfs?.[tier] ?? null) !== null ? present[tier] : wanted[tier],
  );
  return withoutTiersOf(gfs, ended);
}

function eachTier(of: (tier: GfsFlag) => number | null): EndedGfs {
  return { weekly: of('weekly'), monthly: of('monthly'), yearly: of('yearly') };
}

/** Whether this is all that is left of a chain: a full with a flag, on which nothing builds. */
export function isKeptFull(chain: readonly Pick<TargetRestorePoint, 'flags'>[]): boolean {
  return chain.length === 0 || (chain.length === 1 && chain[0]!.flags.length > 0);
}
