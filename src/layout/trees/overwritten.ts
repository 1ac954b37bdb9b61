import type { TreeRules } from '../../domain/trees/tree-rules.js';
import { isTooSmall, tooSmallText } from './database-rules.js';

/** What an operator can do about a full that is held back (`doubtOfNext`). */
export const OPERATOR_AGREES =
  'an operator agrees (longhaul job start <job> --workload <workload> --accept-changes)';

/** What a full is held against. */
export function fullBefore(createdAt: string): string {
  return `the full backup of ${createdAt} in the copy, whose names it has`;
}

/** A full that is written over the one before it, and of which nothing in its files tells whether the tool had come to its end: what packs has an end also where the tool behind
 *  it died.
 *  @param isProven whether a file of this path tells that by itself */
export function doubtOfShorter(
  isProven: (path: string) => boolean,
): NonNullable<TreeRules['doubtOfNext']> {
  return (next, before) => {
    const names = new Set(before.files);
    const isOver = next.files?.some((path) => names.has(path) && !isProven(path)) === true;
    if (!isOver || !isTooSmall(next.sizeBytes ?? Infinity, before.sizeBytes ?? 0)) return null;
    return `${tooSmallText(fullBefore(before.createdAt))}; it takes the place of that one when ${OPERATOR_AGREES}`;
  };
}
