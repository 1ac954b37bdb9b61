import { describe, expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import type { PreparedDisks } from '../../../activities/operations/restore-activities.js';
import type { PlanReference } from '../../../src/domain/targets/disk-work.js';
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

/** Every field of a value, also of what lies in it: `points.id`. A union has those of all its members. */
type Fields<T, Depth extends readonly unknown[] = []> = Depth['length'] extends 6
  ? never
  : T extends string | number | boolean | null | undefined
    ? never
    : T extends readonly (infer Item)[]
      ? Fields<Item, Depth>
      : {
          [K in keyof T & string]: K | `${K}.${Fields<T[K], [...Depth, unknown]>}`;
        }[keyof T & string];

/** Of answers that an activity hands on: every field of one side is one of the other, for what the mover alone knows of would stand in histories.
 *  @typeParam Dropped fields of the mover that the activity keeps to itself
 *  @typeParam Added fields that come from the activity */
type SameAnswer<
  Payload,
  N extends ThreadOperation,
  Dropped extends string = never,
  Added extends string = never,
> =
  Unlike<
    Exclude<Fields<Payload>, Added>,
    Exclude<Fields<OperationOutput<N>>, Below<Dropped>>
  > extends never
    ? N
    : Unlike<Exclude<Fields<Payload>, Added>, Exclude<Fields<OperationOutput<N>>, Below<Dropped>>>;

type Unlike<A, B> = Exclude<A, B> | Exclude<B, A>;
type Below<Field extends string> = Field | `${Field}.${string}`;

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
  'planTreeCheck' satisfies Same<tree.PlanTreeCheckRequest, 'planTreeCheck'>,
  'planTreeRepair' satisfies Same<tree.PlanTreeRepairRequest, 'planTreeRepair'>,
  'settleTreeCheck' satisfies Same<tree.SettleTreeCheckRequest, 'settleTreeCheck'>,
  'endTreeCheck' satisfies Same<tree.EndTreeCheckRequest, 'endTreeCheck'>,
];

/** The same of answers. */
const SAME_ANSWERS: readonly ThreadOperation[] = [
  'planComparison' satisfies SameAnswer<Answer<'planComparison'>, 'planComparison'>,
  'settleComparison' satisfies SameAnswer<Answer<'settleComparison'>, 'settleComparison'>,
  'planCopy' satisfies SameAnswer<Answer<'planCopy'>, 'planCopy'>,
  'composeTargetFile' satisfies SameAnswer<Answer<'composeTargetFile'>, 'composeTargetFile'>,
  'selectWork' satisfies SameAnswer<
    Answer<'lookForWork'>,
    'selectWork',
    'told',
    'epoch' | 'notes' | 'isMaintenanceDue' | 'formerId'
  >,
  'planMaintenance' satisfies SameAnswer<
    Answer<'planMaintenance'>,
    'planMaintenance',
    'keep' | 'wantedFulls' | 'hasUnwanted',
    'postponed'
  >,
  'discardStagedFulls' satisfies SameAnswer<Answer<'discardStagedFulls'>, 'discardStagedFulls'>,
  'planSyntheticFull' satisfies SameAnswer<Answer<'planSyntheticFull'>, 'planSyntheticFull'>,
  'deleteRestorePoints' satisfies SameAnswer<Answer<'deleteRestorePoints'>, 'deleteRestorePoints'>,
  'planRemoval' satisfies SameAnswer<Answer<'planRemoval'>, 'planRemoval'>,
  'rehomeChain' satisfies SameAnswer<Answer<'rehomeCopies'>, 'rehomeChain'>,
  'rehomeTree' satisfies SameAnswer<Answer<'rehomeCopies'>, 'rehomeTree'>,
  'lookForAbsent' satisfies SameAnswer<Answer<'lookForAbsent'>, 'lookForAbsent'>,
  'noteAbsence' satisfies SameAnswer<chain.AbsenceAnswer, 'noteAbsence', 'pointIds'>,
  'settleTreeAbsence' satisfies SameAnswer<Answer<'settleTreeAbsence'>, 'settleTreeAbsence'>,
  'listVerification' satisfies SameAnswer<Answer<'listVerification'>, 'listVerification'>,
  'prepareVerification' satisfies SameAnswer<Answer<'prepareVerification'>, 'prepareVerification'>,
  'collectDamage' satisfies SameAnswer<Answer<'collectDamage'>, 'collectDamage'>,
  'healDisk' satisfies SameAnswer<Answer<'healDisk'>, 'healDisk'>,
  'healDigestTable' satisfies SameAnswer<Answer<'healDigestTable'>, 'healDigestTable'>,
  'healCompanion' satisfies SameAnswer<Answer<'healCompanion'>, 'healCompanion'>,
  'markDamage' satisfies SameAnswer<Answer<'markDamage'>, 'markDamage'>,
  'markVerified' satisfies SameAnswer<Answer<'markVerified'>, 'markVerified'>,
  'prepareRestore' satisfies SameAnswer<PreparedDisks, 'prepareRestore', never, 'leaseId' | 'tree'>,
  'finishRestore' satisfies SameAnswer<Answer<'finishRestore'>, 'finishRestore'>,
  'planTree' satisfies SameAnswer<Answer<'planTree'>, 'planTree'>,
  'publishFiles' satisfies SameAnswer<Answer<'publishFiles'>, 'publishFiles'>,
  'commitTree' satisfies SameAnswer<Answer<'commitTree'>, 'commitTree'>,
  'freeTree' satisfies SameAnswer<Answer<'freeTree'>, 'freeTree'>,
  'removeTreeFiles' satisfies SameAnswer<Answer<'removeTreeFiles'>, 'removeTreeFiles'>,
  'finishTreeRestore' satisfies SameAnswer<Answer<'finishTreeRestore'>, 'finishTreeRestore'>,
  'planTreeCheck' satisfies SameAnswer<Answer<'planTreeCheck'>, 'planTreeCheck'>,
  'planTreeRepair' satisfies SameAnswer<Answer<'planTreeRepair'>, 'planTreeRepair'>,
  'settleTreeCheck' satisfies SameAnswer<Answer<'settleTreeCheck'>, 'settleTreeCheck'>,
];

/** The comparison is one: a field that only one side has is noticed, also in what lies within. */
const UNLIKE: readonly ThreadOperation[] = [
  // @ts-expect-error `reference` would go into histories by itself
  'planCopy' satisfies SameAnswer<Omit<chain.PlannedCopy, 'reference'>, 'planCopy'>,
  // @ts-expect-error a field of each disk
  'planSyntheticFull' satisfies SameAnswer<
    { reference: PlanReference; disks: { disk: string }[] },
    'planSyntheticFull'
  >,
  // @ts-expect-error one that the mover does not give
  'commitTree' satisfies SameAnswer<Answer<'commitTree'> & { more?: string }, 'commitTree'>,
];

type Answer<Activity extends keyof Activities> = Awaited<ReturnType<Activities[Activity]>>;

describe('what goes through Temporal to a chain or tree', () => {
  it('has the fields of the operation that it is for, each operation once', () => {
    expect(new Set(SAME).size).toBe(36);
    expect(new Set(SAME_ANSWERS).size).toBe(34);
    expect(UNLIKE).toHaveLength(3);
  });
});
