/** What a session keeps of each of its tasks. A task may have hundreds of notes, a session thousands of tasks, and all of them go through
 *  one payload of Temporal: so each is cut to a size, and the whole of it lies beside the data. */

import type { CopyTask } from './copy-session.js';

/** Of a task, but for where its time went: that has a size of its own, at most some 350. An ordinary one has some 450. */
const WHOLE_BYTES = 1_000;
const BRIEF_ENTRIES = 2;
const BRIEF_CHARACTERS = 150;
const REASON_CHARACTERS = 300;
const NAME_CHARACTERS = 255;

/** The same object when it is small enough to be kept as it is; else the ends of its lists, the newest last, and the heads of its texts. */
export function briefTask(task: CopyTask): CopyTask {
  if (jsonBytes(withoutTimes(task)) <= WHOLE_BYTES) return task;
  const { committed, notes, omitted } = task;
  return {
    ...task,
    workload: cut(task.workload, NAME_CHARACTERS),
    committed: committed.slice(-BRIEF_ENTRIES),
    reason: task.reason === null ? null : cut(task.reason, REASON_CHARACTERS),
    notes: notes.slice(-BRIEF_ENTRIES).map((note) => cut(note, BRIEF_CHARACTERS)),
    omitted: {
      committed: (omitted?.committed ?? 0) + Math.max(0, committed.length - BRIEF_ENTRIES),
      notes: (omitted?.notes ?? 0) + Math.max(0, notes.length - BRIEF_ENTRIES),
    },
  };
}

function withoutTimes({
  stateSince: _since,
  spentMs: _spent,
  moverTimes: _times,
  waitsFor: _cause,
  ...rest
}: CopyTask): object {
  return rest;
}

/** The first `characters` of a longer text, the last of them an ellipsis. */
export function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}

/** Bytes of a value as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  const text = JSON.stringify(value);
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // JSON.stringify escapes lone halves of surrogate pairs, so those that are left come in pairs: two units, four bytes.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
