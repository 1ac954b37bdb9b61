/** Whether what became of the files of a source looks like a wipe or an encryption, and not like work. */

import type { TreeRules } from './tree-rules.js';

/** What one look found of the files that were copied before. */
export interface TreeChanges {
  /** Files of the copy that the source showed at the last look. */
  readonly known: number;
  /** Of these, gone now. */
  readonly gone: number;
  /** Of these, written to although their kind never is. */
  readonly rewritten: number;
}

/** Fewer tell nothing: a store with one snapshot loses half of its snapshots with one. */
const FEWEST_FILES = 4;

/** Why an operator has to look before any of it is done to the copy, in plain words; null: it is what backups do. */
export function suspicionOf(
  { known, gone, rewritten }: TreeChanges,
  { suspiciousShare }: Pick<TreeRules, 'suspiciousShare'>,
): string | null {
  const limit = Math.max(known * suspiciousShare, FEWEST_FILES - 1);
  const isEmptied = known > 0 && gone === known;
  if (!isEmptied && gone <= limit && rewritten <= limit) return null;
  const parts = [
    ...(gone > 0 ? [`${gone} are gone`] : []),
    ...(rewritten > 0 ? [`${rewritten} were written to, although their kind never is`] : []),
  ];
  return `of ${known} files that the source showed at the last look ${parts.join(' and ')}: a wiped or encrypted source looks like this`;
}
