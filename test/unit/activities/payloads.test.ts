import { describe, expect, it } from 'vitest';
import type * as chain from '../../../activities/payloads/chain-payloads.js';
import type { ChainIds } from '../../../activities/running/on-chain.js';
import type * as tree from '../../../activities/payloads/tree-payloads.js';
import type {
  OperationInput,
  OperationOutput,
  ThreadOperation,
} from '../../../src/mover/mover-operations.js';

/** What the activity itself is for: which chain or staging folder, and what it asks of the configuration instead of the history. */
type OfTheActivity = keyof ChainIds | 'stagingId' | 'chain' | 'staging' | OfTheWorker;
type OfTheWorker =
  | 'immutableForDays'
  | 'settleMs'
  | 'settle'
  | 'limits'
  | 'now'
  | 'seen'
  | 'origin'
  | 'takeOver'
  | 'definition'
  | 'keepsStaging'
  | 'keepsPlanned'
  | 'needsRoom'
  | 'isLastLook';

/** Fields that only one side has. What is optional would be dropped without a word from the compiler. */
type Differing<Payload, Operation> = Exclude<
  Exclude<keyof Payload, keyof Operation> | Exclude<keyof Operation, keyof Payload>,
  OfTheActivity
>;
type Same<Payload, N extends ThreadOperation> =
  Differing<Payload, OperationInput<N>> extends never ? N : Differing<Payload, OperationInput<N>>;

/** Of answers: every field of one side is one of the other. */
type SameAnswer<Payload, N extends ThreadOperation> =
  | Exclude<keyof Payload, keyof OperationOutput<N>>
  | Exclude<keyof OperationOutput<N>, keyof Payload> extends never
  ? N
  : never;

/** Checked by the compiler: a field that is renamed, added or dropped in the data mover alone makes the name of its row another type. */
const SAME: readonly ThreadOperation[] = [
  'inspectTargetChain' satisfies Same<chain.TakeChainRequest, 'inspectTargetChain'>,
  'planComparison' satisfies Same<chain.CompareRequest, 'planComparison'>,
  'settleComparison' satisfies Same<chain.CompareRequest, 'settleComparison'>,
  'planCopy' satisfies Same<chain.PlanCopyRequest, 'planCopy'>,
  'composeTargetFile' satisfies Same<chain.StagedPoint, 'composeTargetFile'>,
  'commitRestorePoint' satisfies Same<chain.CommitRequest, 'commitRestorePoint'>,
  'planMaintenance' satisfies Same<chain.PlanMaintenanceRequest, 'planMaintenance'>,
  'mergeIncrement' satisfies Same<chain.MergeRequest, 'mergeIncrement'>,
  'planSyntheticFull' satisfies Same<chain.PointChange, 'planSyntheticFull'>,
  'replaceWithFull' satisfies Same<chain.ReplaceRequest, 'replaceWithFull'>,
  'flagRestorePoint' satisfies Same<chain.FlagRequest, 'flagRestorePoint'>,
  'deleteRestorePoints' satisfies Same<chain.DeleteRequest, 'deleteRestorePoints'>,
  'planRemoval' satisfies Same<chain.PlanRemovalRequest, 'planRemoval'>,
  'planExpiry' satisfies Same<chain.ExpiryRequest, 'planExpiry'>,
  'removeRestorePoints' satisfies Same<chain.RemoveRequest, 'removeRestorePoints'>,
  'rehomeChain' satisfies Same<chain.RehomeRequest, 'rehomeChain'>,
  'lookForAbsent' satisfies Same<chain.LookForAbsentRequest, 'lookForAbsent'>,
  'noteAbsence' satisfies Same<chain.AbsenceRequest, 'noteAbsence'>,
  'listVerification' satisfies Same<chain.ListVerificationRequest, 'listVerification'>,
  'prepareVerification' satisfies Same<chain.PointCheck, 'prepareVerification'>,
  'collectDamage' satisfies Same<chain.CollectDamageRequest, 'collectDamage'>,
  'healDisk' satisfies Same<chain.HealDiskRequest, 'healDisk'>,
  'healDigestTable' satisfies Same<chain.HealTableRequest, 'healDigestTable'>,
  'healCompanion' satisfies Same<chain.HealCompanionRequest, 'healCompanion'>,
  'markDamage' satisfies Same<chain.MarkDamageRequest, 'markDamage'>,
  'markVerified' satisfies Same<chain.MarkVerifiedRequest, 'markVerified'>,
  'planTree' satisfies Same<tree.PlanTreeRequest, 'planTree'>,
  'publishFiles' satisfies Same<tree.PublishFilesRequest, 'publishFiles'>,
  'commitTree' satisfies Same<tree.CommitTreeRequest, 'commitTree'>,
  'freeTree' satisfies Same<tree.FreeTreeRequest, 'freeTree'>,
  'removeTreeFiles' satisfies Same<tree.RemoveTreeFilesRequest, 'removeTreeFiles'>,
  'settleTreeAbsence' satisfies Same<tree.TreeAbsenceRequest, 'settleTreeAbsence'>,
  'finishTreeRestore' satisfies SameAnswer<tree.RestoredTree, 'finishTreeRestore'>,
  'planTreeCheck' satisfies Same<tree.PlanTreeCheckRequest, 'planTreeCheck'>,
  'planTreeRepair' satisfies Same<tree.PlanTreeRepairRequest, 'planTreeRepair'>,
  'settleTreeCheck' satisfies Same<tree.SettleTreeCheckRequest, 'settleTreeCheck'>,
  'endTreeCheck' satisfies Same<tree.EndTreeCheckRequest, 'endTreeCheck'>,
];

describe('what goes through Temporal to a chain or tree', () => {
  it('has the fields of the operation that it is for, each operation once', () => {
    expect(new Set(SAME).size).toBe(37);
  });
});
