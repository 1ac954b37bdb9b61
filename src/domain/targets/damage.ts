/** What a health check finds, good or bad, and what is left of it. Plain JSON. */

import type { PointHealth } from './target-point.js';

/** Something that is not as it was written. `units` are numbers of 64 KiB units of the disk's file. */
export type Damage =
  | {
      readonly type: 'units';
      readonly disk: string;
      readonly units: readonly number[];
      readonly count: number;
    }
  | { readonly type: 'digestTable'; readonly disk: string }
  | { readonly type: 'file'; readonly disk: string; readonly reason: string }
  | { readonly type: 'companion'; readonly path: string };

/** Damage of one file that nothing could heal. `units` null: the file as a whole. */
export interface LastingDamage {
  readonly pointId: string;
  readonly disk: string;
  readonly units: readonly number[] | null;
  /** Size, parent link or the like, which are looked at again before the point is marked. */
  readonly isStructural?: true;
}

/** A restore point of which every byte was read and had its digest. */
export interface VerifiedPoint {
  readonly pointId: string;
  /** Tells these files from others that a merge or a full may put in their place. */
  readonly content: string;
  /** RFC 3339 UTC. */
  readonly verifiedAt: string;
}

/** The points as a health check calls them that finds these corrupt, by their ids. */
export function withCorrupt<Point extends { readonly id: string; readonly health: PointHealth }>(
  points: readonly Point[],
  corrupt: { has(id: string): boolean },
): Point[] {
  return points.map((point) => (corrupt.has(point.id) ? { ...point, health: 'corrupt' } : point));
}

/** What is damaged, as the subject of a sentence with `are`. */
export function damageText(damage: Damage): string {
  switch (damage.type) {
    case 'units':
      return damage.count === 1
        ? `contents of one unit of disk ${damage.disk}`
        : `${damage.count} units of disk ${damage.disk}`;
    case 'digestTable':
      return `the digests of disk ${damage.disk}`;
    case 'file':
      return `contents of disk ${damage.disk} (${damage.reason})`;
    case 'companion':
      return `contents of ${damage.path}`;
  }
}

/** What a check tells of points that no good one builds on. */
export function quarantinedText(ids: readonly string[]): string {
  return `set aside in quarantine: ${ids.join(', ')}; the next session copies anew what the source still holds`;
}
