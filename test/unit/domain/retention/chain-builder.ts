/** Restore points for the tests of the domain: only what a rule reads differs from one to the next. */

import type { SourceDisk } from '../../../../src/domain/sources/source-workload.js';
import { detectRecreatedChain } from '../../../../src/domain/sources/recreated-chain.js';
import {
  selectRestorePoints,
  type RestorePointSelection,
  type SelectionInput,
} from '../../../../src/domain/sources/select-restore-points.js';
import type { IdentifiedPoint } from '../../../../src/domain/sources/source-identity.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';

const STAMP = { sizeBytes: 1, modifiedAtNs: '1', changedAtNs: '1', inode: '1' };

/** A target chain: the first point is a full, the rest increments. `days`: createdAt of each, as `2026-11-24` (22:00 UTC) or a whole
 *  RFC 3339 instant, which is also the id. */
export function targetChain(
  days: readonly string[],
  change: Partial<TargetRestorePoint> = {},
): TargetRestorePoint[] {
  const instants = days.map((day) => (day.includes('T') ? day : `${day}T22:00:00Z`));
  return instants.map((createdAt, index) => ({
    id: createdAt,
    createdAt,
    copiedAt: createdAt,
    kind: index === 0 ? 'full' : 'increment',
    parentId: instants[index - 1] ?? null,
    chainId: instants[0] ?? '',
    state: 'available',
    health: 'good',
    verifiedAt: createdAt,
    flags: [],
    disks: [],
    companions: [],
    source: {
      repositoryId: 'primary',
      restorePointId: createdAt.slice(0, 10),
      fingerprint: null,
    },
    copyId: createdAt,
    ...change,
  }));
}

/** `count` dates from `first` on, one a day. */
export function daily(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(`${first}T00:00:00Z`) + index * 86_400_000).toISOString().slice(0, 10),
  );
}

export function disk(name: string, parentRestorePointId: string | null): SourceDisk {
  return {
    disk: name,
    path: `${name}.qcow2`,
    format: 'qcow2',
    kind: parentRestorePointId === null ? 'full' : 'increment',
    parentRestorePointId,
    stamp: STAMP,
  };
}

/** A complete source point of 22:00 UTC on the day that is its id; an increment on `parent` if there is one. */
export function sourcePoint(
  day: string,
  parent: string | null,
  change: Partial<IdentifiedPoint> = {},
): IdentifiedPoint {
  return {
    id: day,
    workloadId: 'web01',
    createdAtMs: Date.parse(`${day.slice(0, 10)}T22:00:00Z`),
    kind: parent === null ? 'full' : 'increment',
    parentId: parent,
    disks: [disk('vda', parent)],
    companions: [],
    state: 'complete',
    reason: null,
    fingerprint: null,
    identity: { is: 'new' },
    ...change,
  };
}

/** What a periodic job that takes the latest would copy of `current`, when `copiedDays` are copied. */
export function select(
  current: IdentifiedPoint[],
  copiedDays: string[],
  change: Partial<SelectionInput> = {},
): RestorePointSelection {
  const copied = copiedDays.length === 0 ? [] : targetChain(copiedDays);
  return selectRestorePoints({
    job: { mode: 'periodic', restorePoints: 'latest', gfs: null },
    timeZone: 'UTC',
    current,
    copied,
    detection: detectRecreatedChain({ copied, current }),
    targetRepositoryId: 'offsite',
    sourceRepositoryId: 'primary',
    activeFull: false,
    fullFormats: new Set(['file', 'other']),
    ...change,
  });
}
