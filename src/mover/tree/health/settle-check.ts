import { FaultList } from '../../../domain/trees/file-faults.js';
import type { TargetTreePoint } from '../../../domain/trees/target-tree.js';
import {
  areLossesKnown,
  joinLosses,
  LossList,
  lossesWithout,
  NO_LOSSES,
  type KnownLosses,
} from '../../../domain/trees/known-losses.js';
import {
  pointsThatNeed,
  type LostFile,
  type TreeCheckReference,
  type TreeCheckOutcome,
} from '../../../domain/trees/tree-damage.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { ownedTreeRecord, writeTreeRecord } from '../../../tree/tree-store.js';
import type { MoverContext } from '../../task/mover-context.js';
import { lackingFiles } from './lacking-files.js';
import { filesNeededBy, pointOfCheck, requireCheck } from './plan-check.js';
import { rulesOf } from '../rules-of-copy.js';
import { healing, repairFiles, requireRepair, type RepairTreeInput } from './repair-tree.js';
import { nameRightFiles, refusalOf } from './right-files.js';

/** Points that are named; of an archive of logs there may be tens of thousands. */
const MOST_NAMED = 50;

/** Ends the repair: what was healed has its name, and the record says of each point when it was read and whether all of its files are there. What is
 *  still damaged stays where it is: its tool may read most of it. Done again it ends in the same state.
 *  @throws STAGING_INVALID, STALE_EPOCH */
export async function settleTreeCheck(
  context: MoverContext,
  input: RepairTreeInput & { readonly nowMs: number },
): Promise<TreeCheckOutcome> {
  const { chain, reference, epoch, nowMs } = input;
  const repository = await context.repository(input.targetRepositoryId);
  const check = await requireCheck(repository, chain, reference);
  const repair = await requireRepair(repairFiles(repository, chain, reference, epoch));
  const reasons = new Map(repair.damaged.examples.map(({ path, reason }) => [path, reason]));
  const [healed, lost] = [new FaultList(), new FaultList()];
  const lostFiles: LostFile[] = [];
  const found = new LossList();
  if (repair.damaged.count > 0)
    for await (const { entry, outcome } of nameRightFiles(context, await healing(context, input))) {
      const { path, goneSinceMs, digest } = entry;
      const damage = reasons.get(path) ?? 'was damaged';
      const refusal = refusalOf(outcome);
      const fault = { path, reason: refusal === null ? damage : `${damage}; ${refusal}` };
      if (outcome === 'written') healed.add(fault);
      else if (outcome !== 'right') {
        lost.add(fault);
        lostFiles.push({ path, goneSinceMs });
        found.add({ path, goneSinceMs, digest });
      }
    }
  const record = await ownedTreeRecord(repository, chain, epoch);
  const lacking = await lackingFiles(context, input, check, record, lostFiles);
  // While the copy is behind its source, what that has removed is needed as if it had not.
  const needed = record.isBehind === true ? lacking.needed.map(asShown) : lacking.needed;
  const corrupt = pointsThatNeed(record.points, needed, rulesOf(record));
  const read = new Set(check.points);
  const points = record.points.map((point) => judged(point, corrupt, read, nowMs));
  const { lostNamed: _, lost: __, ...before } = record;
  const losses = lossesAfter(record, found.losses, lacking.faults.count, reference);
  const after = {
    ...{ ...before, points },
    ...(lacking.lostNamed.length === 0 ? {} : { lostNamed: lacking.lostNamed }),
    ...(losses === undefined ? {} : { lost: losses }),
  };
  if (JSON.stringify(after) !== JSON.stringify(record))
    await writeTreeRecord(repository, chain, after);
  return {
    ...outcomeOf(record, corrupt, read),
    ...{ damaged: repair.damaged.count, healed: healed.faults, lost: lost.faults },
    ...(lacking.faults.count === 0 ? {} : { lacking: lacking.faults }),
    ...{ unknown: repair.unknown, sourceFault: repair.sourceFault },
  };
}

/** What is known to be lost: after a look at all files nothing else. undefined: nothing, or it is not known of all points what they suffer from.
 *  @param unlistedCount of what points suffer from besides, and no session can send: it only counts */
function lossesAfter(
  record: TreeRecord,
  found: KnownLosses,
  unlistedCount: number,
  reference: TreeCheckReference,
): KnownLosses | undefined {
  const pointId = pointOfCheck(reference);
  if (pointId !== null && !areLossesKnown(record)) return record.lost;
  const { isNeeded } = filesNeededBy(record, pointId);
  // What it has not read is as it was. Of very many not all are listed, and one that reads all knows them.
  const others = pointId === null ? NO_LOSSES : lossesWithout(record.lost ?? NO_LOSSES, isNeeded);
  const { count, files } = joinLosses(others, found);
  return count === 0 ? undefined : { count: count + unlistedCount, files };
}

function asShown({ path }: LostFile): LostFile {
  return { path, goneSinceMs: null };
}

/** A point of which all files are right was read now, and is good, whatever it was before. */
function judged(
  point: TargetTreePoint,
  corrupt: ReadonlySet<string>,
  read: ReadonlySet<string>,
  nowMs: number,
): TargetTreePoint {
  if (corrupt.has(point.id)) return { ...point, health: 'corrupt' };
  if (!read.has(point.id)) return point;
  return { ...point, health: 'good', verifiedAt: new Date(nowMs).toISOString() };
}

function outcomeOf(
  { points }: TreeRecord,
  corrupt: ReadonlySet<string>,
  read: ReadonlySet<string>,
): Pick<TreeCheckOutcome, 'pointCount' | 'corrupt' | 'corruptCount'> {
  const ids = points.map(({ id }) => id);
  return {
    pointCount: ids.filter((id) => read.has(id)).length,
    corrupt: ids.filter((id) => corrupt.has(id)).slice(-MOST_NAMED),
    corruptCount: corrupt.size,
  };
}
