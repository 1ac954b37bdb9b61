import { expect, it } from 'vitest';
import { NO_FAULTS } from '../../../../src/domain/trees/file-faults.js';
import type { RestorePointState } from '../../../../src/domain/sources/point-state.js';
import { NO_ROUNDS, treeEnd } from '../../../../src/domain/trees/tree-ending.js';
import type { LeftTree } from '../../../../src/domain/trees/tree-work.js';

const FATES = {
  ...{ faults: NO_FAULTS, lacking: 0, lost: 0 },
  ...{ leftOut: [], hasLeftOut: false, sentAgain: NO_FAULTS },
  before: NO_ROUNDS,
};

/** A look that finds nothing to copy beside a newest point of this state. */
function newest(state: RestorePointState): LeftTree {
  const unusable = {
    ...{ id: 'base', createdAtMs: 0, kind: 'full', state },
    reason: 'no backup_manifest',
  };
  return { state: 'same', reason: '', faults: NO_FAULTS, warnings: [], unusable } as never;
}

it.each([
  ['broken', 'nothing', 'failed', 'RESTORE_POINT_BROKEN'],
  ['broken', 'a point', 'warning', null],
  ['incomplete', 'nothing', 'warning', null],
] as const)(
  'a newest point that is %s ends a task that has committed %s as %s',
  (state, committed, result, code) => {
    const end = treeEnd(newest(state), FATES, {
      ...{ hasCommitted: committed === 'a point', mode: 'periodic' },
    });
    expect(end).toMatchObject({ result, code, reason: `base is ${state}: no backup_manifest` });
  },
);
