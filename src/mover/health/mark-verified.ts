import { createHash } from 'node:crypto';
import { lineageOf } from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import type { VerifiedPoint } from '../../domain/targets/damage.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import { ownedChain, type ChangeInput } from '../change/change-points.js';
import type { MoverContext } from '../task/mover-context.js';

/** Tells whether a point still has the files that were read: a merge or a full may have come meanwhile. */
export function pointContent({ disks }: Pick<TargetRestorePoint, 'disks'>): string {
  const tables = disks.map(({ digests }) => digests.tableDigest);
  return createHash('sha256').update(tables.join()).digest('hex').slice(0, 16);
}

/** Enters into the record when points were verified. One that was corrupt, or of which nothing was known, is good when it and all it builds on were read without a fault.
 *  What has changed since it was read, or is gone, is passed over.
 *  @param input.since when the check began: what was verified since then was entered by it, or was written meanwhile. RFC 3339 UTC */
export async function markVerified(
  context: MoverContext,
  input: ChangeInput & { readonly verified: readonly VerifiedPoint[]; readonly since: string },
): Promise<{ readonly marked: number }> {
  const { place, record } = await ownedChain(context, input);
  const verified = new Map<string, string>();
  for (const { pointId, content, verifiedAt } of input.verified) {
    const point = record.points.find(({ id }) => id === pointId);
    if (point !== undefined && pointContent(point) === content) verified.set(pointId, verifiedAt);
  }
  if (verified.size === 0) return { marked: 0 };
  const isVerified = (point: TargetRestorePoint) =>
    verified.has(point.id) || isGoodSince(point, input);
  const points = record.points.map((point) => {
    const verifiedAt = verified.get(point.id);
    if (verifiedAt === undefined) return point;
    const isGood = point.health !== 'good' && lineageOf(record, point.id).every(isVerified);
    return { ...point, verifiedAt, health: isGood ? ('good' as const) : point.health };
  });
  await writeChainRecord(place.repository, place.chain, { ...record, points });
  return { marked: verified.size };
}

/** What is marked corrupt is good again when it is read, and by no date: one that was copied since the check began was marked later, and a date that lies
 *  ahead was given by a clock that ran ahead. */
function isGoodSince(
  { health, verifiedAt }: TargetRestorePoint,
  { since, nowMs }: { readonly since: string; readonly nowMs: number },
): boolean {
  if (health !== 'good' || verifiedAt === null) return false;
  return verifiedAt >= since && Date.parse(verifiedAt) <= nowMs;
}
