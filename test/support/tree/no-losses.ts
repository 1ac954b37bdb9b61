import { FaultList } from '../../../src/domain/trees/file-faults.js';
import type { TreeRules } from '../../../src/domain/trees/tree-rules.js';
import { SourceLosses } from '../../../src/mover/tree/plan/source-losses.js';

/** Of a look for which nobody asks what the source has lost. */
export function noLosses(rules: TreeRules): SourceLosses {
  const input = { rules, points: [], changedAt: null, isAgreed: false };
  return new SourceLosses({ ...input, lost: new FaultList() });
}
