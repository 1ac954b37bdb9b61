import { untoldWorkNotes } from '../../../domain/trees/unheard-answers.js';
import { missedLook, seenLook } from '../../../domain/retention/absence.js';
import type { WorkloadType } from '../../../domain/sources/source-workload.js';
import { pointsAsRestorePoints } from '../../../tree/show-tree.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { writeTreeRecord } from '../../../tree/tree-store.js';
import {
  absenceStanding,
  type AbsenceRule,
  type AbsenceStanding,
} from '../../change/note-absence.js';
import { removeWholeTree } from './remove-files.js';
import { takeKept } from './take-tree.js';
import type { TreePlace } from '../tree-plan.js';
import type { MoverContext } from '../../task/mover-context.js';

interface TreeAbsenceInput extends TreePlace, AbsenceRule {
  readonly jobId: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: WorkloadType };
  readonly owner: string;
  /** A source shows it again. */
  readonly isSeen: boolean;
  readonly nowMs: number;
}

interface TreeAbsenceOutcome {
  /** null: a source shows it again. */
  readonly standing: Omit<AbsenceStanding, 'pointIds'> | null;
  /** Points that were removed, with all files. */
  readonly removed: number;
  /** What runs before have done and found, which stands in the record until it was told. Absent: nothing, or a source shows it again. */
  readonly notes?: readonly string[];
}

/** Takes the tree over and enters one look into its record; of a workload that is gone for good all points and files are removed, as any removal: first
 *  announced. While somebody reads it, it stays. A second look of the same day changes nothing. No copy comes that would tell what stands untold in the record:
 *  the answer does.
 *  @throws RESTORE_POINT_MISSING */
export async function settleTreeAbsence(
  context: MoverContext,
  input: TreeAbsenceInput,
): Promise<TreeAbsenceOutcome> {
  const { chain, nowMs, isSeen } = input;
  const target = await context.repository(input.targetRepositoryId);
  const record = await takeKept(context, input);
  if (isSeen) {
    await writeTreeRecord(target, chain, { ...record, presence: seenLook(nowMs) });
    return { standing: null, removed: 0 };
  }
  const notes = [...(record.untold ?? []), ...untoldWorkNotes(record.untoldWork)];
  return { ...(await missed(context, input, record)), ...(notes.length === 0 ? {} : { notes }) };
}

async function missed(
  context: MoverContext,
  input: TreeAbsenceInput,
  record: TreeRecord,
): Promise<TreeAbsenceOutcome> {
  const { chain, nowMs, afterDays } = input;
  const target = await context.repository(input.targetRepositoryId);
  const presence = missedLook(record.presence, nowMs, afterDays, input.origin);
  const noted =
    presence === record.presence
      ? record
      : await writeTreeRecord(target, chain, { ...record, presence });
  // A worker that died in the removal leaves nothing for the next one to count.
  if (noted.points.length === 0) {
    const { state, text } = absenceStanding({ presence, points: [] }, input, nowMs);
    const why = state === 'due' ? text : 'no source shows it any more';
    return { standing: { state: 'due', text: why }, removed: 0 };
  }
  const points = pointsAsRestorePoints(noted);
  const { state, text } = absenceStanding({ presence, points }, input, nowMs);
  if (state !== 'due') return { standing: { state, text }, removed: 0 };
  const { epoch } = noted;
  const { points: removed, postponed } = await removeWholeTree(context, { ...input, epoch }, text);
  return postponed === null
    ? { standing: { state, text }, removed: removed.length }
    : {
        standing: { state: 'announced', text: `${text}; nothing was removed: ${postponed}` },
        removed: 0,
      };
}
