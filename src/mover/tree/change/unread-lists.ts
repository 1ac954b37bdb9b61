import type { BackupError } from '../../../domain/errors.js';
import { counted, firstTexts } from '../../../domain/sentences.js';
import {
  areLossesKnown,
  joinLosses,
  NO_LOSSES,
  type KnownLosses,
} from '../../../domain/trees/known-losses.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { writeTreeRecord } from '../../../tree/tree-store.js';
import { removeReplaced } from '../commit/index-runs.js';
import { rulesOf } from '../rules-of-copy.js';
import { treeStaged } from '../tree-plan.js';
import { comparedWithIndex, type ComparedFiles, type TakenPlace } from './compared-files.js';

/** Takes a tree over from a run that was stopped and whose lists cannot be read: nothing tells which files it has written over. So each file that points of sets have for
 *  themselves is read and compared with the index. What has another content is lost, as if a health check had found it, and points that need it are corrupt, until
 *  the next plan has sent it again, or has found another backup under its name. What the run has copied is copied again; nothing is removed.
 *
 *  Files of a store are no point's own: what the source has written to since the index says so is sent by the next plan, as if the run had not been. Done again it ends in the same state.
 *  @param before as it stands in the target
 *  @param heard the same, with what nobody may have told yet
 *  @param fault STAGING_INVALID, with the `path` of what cannot be read
 *  @throws CHAIN_FORMAT_UNKNOWN, ComparisonUnfinished, what the storage says of itself */
export async function enterUnread(
  place: TakenPlace,
  before: TreeRecord,
  heard: TreeRecord,
  fault: BackupError,
): Promise<TreeRecord> {
  const { target, chain } = place;
  const found = await comparedWithIndex(place, heard, rulesOf(heard));
  const hurt = new Set(found.hurt);
  const record = await writeTreeRecord(target, chain, {
    ...heard,
    ...lostWith(heard, found.losses),
    points: heard.points.map((point) =>
      hurt.has(point.id) ? { ...point, health: 'corrupt' } : point,
    ),
    untold: untoldWith(heard, [unreadText(fault, found)])!,
    ...(heard.index.length === 0 ? {} : nowBehind(before)),
  });
  await removeReplaced(target, chain, record);
  await target.remove(treeStaged.plan(chain));
  return record;
}

/** Where points suffer from what nobody has named, the count says that there is more than is listed. */
function lostWith(record: TreeRecord, found: KnownLosses): Pick<TreeRecord, 'lost'> {
  const known = record.lost ?? NO_LOSSES;
  if (found.count === 0) return record.lost === undefined ? {} : { lost: known };
  const { count, files } = joinLosses(known, found);
  const isMore = record.lost === undefined && !areLossesKnown(record);
  return { lost: { count: isMore ? count + 1 : count, files } };
}

function unreadText(
  { code, message }: BackupError,
  { comparedCount, changedCount, hurt }: ComparedFiles,
): string {
  const told = `a run that was stopped has left lists that cannot be read (${code}: ${message}), so that what it has copied is copied again`;
  if (comparedCount === 0) return told;
  const compared = `${told}, and ${counted(comparedCount, 'file that it may have written over was', 'files that it may have written over were')} compared with the index`;
  if (changedCount === 0) return `${compared}: all as copied`;
  const points = counted(hurt.length, 'restore point needs', 'restore points need');
  return `${compared}: ${counted(changedCount, 'is', 'are')} not what was copied, and ${points} what was there; what the source still has is sent again, and \`longhaul restore-point verify\` judges the rest`;
}

/** What the source has removed the points that it shows may need for now. */
export function nowBehind({
  isBehind,
}: Pick<TreeRecord, 'isBehind'>): Pick<TreeRecord, 'isBehind' | 'isGoneSpare'> {
  return { isBehind: true, ...(isBehind === true ? {} : { isGoneSpare: true }) };
}

/** What is to be told, with what was found now. undefined: nothing. */
export function untoldWith(
  { untold = [] }: Pick<TreeRecord, 'untold'>,
  found: readonly string[],
): TreeRecord['untold'] {
  const all = firstTexts([...new Set([...untold, ...found])]);
  return all.length === 0 ? undefined : all;
}
