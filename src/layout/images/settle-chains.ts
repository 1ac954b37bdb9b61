import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import { orderByLineage } from '../../domain/sources/source-order.js';
import { treeFault } from '../../domain/trees/tree-path.js';
import { broken, gravestFault, type PointFault } from '../point-fault.js';
import { sourceFingerprint } from './source-fingerprint.js';

/** A restore point as its own files show it, before its parents were looked at. `parentId` is the parent of every increment disk. */
export type DraftPoint = Omit<SourceRestorePoint, 'state' | 'reason' | 'fingerprint'> & {
  readonly faults: readonly PointFault[];
};

interface SettledPoint {
  readonly point: SourceRestorePoint;
  /** What points that build on this one inherit. */
  readonly bequest: PointFault | null;
}

/** Restore points of one workload in the order of `orderByLineage`. A point is only as good as what it builds on: one whose parent is absent,
 *  lacks the disk or runs in a circle is broken; one whose parent is not complete takes over that state. Two with one id are broken, and both are in the answer. */
export function settleChains(found: readonly DraftPoint[]): SourceRestorePoint[] {
  const drafts = withOwnIds(found);
  const settled = new Map<string, SettledPoint>();
  const byId = new Map(drafts.map((draft) => [draft.id, draft]));
  for (const draft of drafts) {
    // Climb to the nearest point that is settled, then settle downwards: chains can be long, so no recursion.
    const climbed: DraftPoint[] = [];
    const passed = new Set<string>();
    let next: DraftPoint | undefined = draft;
    while (next !== undefined && !settled.has(next.id) && !passed.has(next.id)) {
      passed.add(next.id);
      climbed.push(next);
      next = next.parentId === null ? undefined : byId.get(next.parentId);
    }
    for (const point of climbed.reverse()) settled.set(point.id, settlePoint(point, settled, byId));
  }
  return orderByLineage([...settled.values()].map(({ point }) => point));
}

/** Of points with one id nothing tells which is meant where another builds on it, or where it was copied already. The first keeps the id. */
function withOwnIds(drafts: readonly DraftPoint[]): readonly DraftPoint[] {
  const taken = new Set(drafts.map(({ id }) => id));
  if (taken.size === drafts.length) return drafts;
  const seen = new Set<string>();
  const shared = new Set(
    drafts.filter(({ id }) => seen.size === seen.add(id).size).map(({ id }) => id),
  );
  const drawn = new Set<string>();
  return drafts.map((draft) => {
    const { id } = draft;
    if (!shared.has(id)) return draft;
    const fault = broken(`it shares the id ${id} with another restore point`).fault;
    const own = drawn.has(id) ? freeId(id, taken) : id;
    taken.add(own);
    drawn.add(own);
    return { ...draft, id: own, faults: [fault, ...draft.faults] };
  });
}

function freeId(id: string, taken: ReadonlySet<string>): string {
  let number = 2;
  while (taken.has(`${id} (${number})`)) number++;
  return `${id} (${number})`;
}

function settlePoint(
  { faults, ...draft }: DraftPoint,
  settled: ReadonlyMap<string, SettledPoint>,
  byId: ReadonlyMap<string, DraftPoint>,
): SettledPoint {
  const parent = draft.parentId === null ? undefined : settled.get(draft.parentId);
  const own = gravestFault([...faults, ...nameFaults(draft), ...linkFaults(draft, parent, byId)]);
  const fault = own ?? parent?.bequest ?? null;
  return {
    point: {
      ...draft,
      state: fault?.state ?? 'complete',
      reason: fault?.reason ?? null,
      fingerprint:
        fault === null ? sourceFingerprint(draft.disks, parent?.point.fingerprint ?? null) : null,
    },
    bequest:
      own === null
        ? fault
        : {
            state: own.state,
            reason: `it builds on ${draft.id}, which is ${own.state}: ${own.reason}`,
          },
  };
}

/** Names in the tool's tree are read from the backup. */
function nameFaults({ disks, companions }: Pick<DraftPoint, 'disks' | 'companions'>): PointFault[] {
  const fault = treeFault([...disks, ...companions].flatMap(({ as }) => as ?? []));
  return fault === null ? [] : [{ state: 'broken', reason: fault }];
}

function linkFaults(
  { parentId, disks }: Pick<DraftPoint, 'parentId' | 'disks'>,
  parent: SettledPoint | undefined,
  byId: ReadonlyMap<string, DraftPoint>,
): PointFault[] {
  if (parentId === null) return [];
  if (parent === undefined) {
    const words = byId.has(parentId) ? 'runs in a circle' : 'is missing';
    return [{ state: 'broken', reason: `its parent ${parentId} ${words}` }];
  }
  if (parent.bequest !== null) return [];
  const held = new Set(parent.point.disks.map(({ disk }) => disk));
  return disks
    .filter(({ kind, disk }) => kind === 'increment' && !held.has(disk))
    .map(({ disk }) => ({
      state: 'broken',
      reason: `its parent ${parentId} holds no disk ${disk}`,
    }));
}
