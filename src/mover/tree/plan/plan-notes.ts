import { emptyFoldersText, notKeptText } from '../../../domain/trees/left-out.js';
import { goneText } from '../../../domain/trees/tree-guard.js';
import { removalText } from '../../../domain/trees/tree-points.js';
import { untoldWorkNotes } from '../../../domain/trees/unheard-answers.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { ChangeCount } from './count-changes.js';
import type { Remarks, Seen } from './plan-class.js';

/** `PlannedTree.notes`.
 *  @param seen with the record as it was before this session
 *  @param record as it was taken */
export function plannedNotes(
  seen: Pick<Seen, 'input' | 'known' | 'layout'>,
  record: TreeRecord,
  count: Pick<ChangeCount, 'removed' | 'firstRemoved'>,
  remarks: Pick<Remarks, 'emptyFolders'>,
): string[] {
  return [
    ...(seen.input.hasHeard === true ? [] : untoldWorkNotes(record.untoldWork)),
    ...goneNotes(seen, count),
    ...leftOutNotes(seen, remarks),
  ];
}

/** Of files that the copy follows its source in without asking anybody. */
function goneNotes(
  { input, layout: { rules } }: Pick<Seen, 'input' | 'layout'>,
  { removed, firstRemoved }: Pick<ChangeCount, 'removed' | 'firstRemoved'>,
): string[] {
  const { choice, immutableForDays } = input;
  const until = removalText({ rules, retention: choice.retention, immutableForDays });
  const text = goneText(removed, firstRemoved, until);
  return text === null ? [] : [text];
}

/** What users' files have and a copy does not keep: of single folders said by each session that copies something, of all files by those before there is a restore point. */
function leftOutNotes(
  { known, layout: { rules } }: Pick<Seen, 'known' | 'layout'>,
  { emptyFolders }: Pick<Remarks, 'emptyFolders'>,
): string[] {
  if (rules.isPartial !== true) return [];
  const text = emptyFoldersText(emptyFolders.faults);
  // A stop may have come before anybody was told, and a copy that has begun has a record.
  const isFirst = known === null || known.points.length === 0;
  return [...(text === null ? [] : [text]), ...(isFirst ? [notKeptText(rules.keeps)] : [])];
}
