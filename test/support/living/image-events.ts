import fc from '../properties.js';
import { BLOCKS } from './libvirt-machine.js';

export type Writes = readonly (readonly [block: number, value: number])[];

/** One thing that happens to a disk whose snapshots lie beside it, each in a file of its own. */
export type Event =
  | { readonly type: 'work' | 'workUndated' | 'makeAnew' | 'writeBelow'; readonly writes: Writes }
  | { readonly type: 'snapshot' | 'commit' | 'flatten' | 'revert' | 'copyElsewhere' }
  | { readonly type: 'touch' | 'wrongClock'; readonly days: number }
  | { readonly type: 'switch' }
  | { readonly type: 'run' | 'runAgain'; readonly keepsTimes: boolean }
  | { readonly type: 'clock'; readonly days: number }
  | { readonly type: 'session'; readonly fault: Fault };

const value = fc.integer({ min: 1, max: 200 });
const writes = fc.array(fc.tuple(fc.nat(BLOCKS - 1), fc.oneof(value, fc.constant(0))), {
  minLength: 1,
  maxLength: 3,
});
const days = fc.integer({ min: -400, max: 400 });
/** What goes wrong in a session: the first answer of each step is lost, or a step is done, its answer is lost and it cannot be done again. */
export type Fault =
  null | 'answers' | 'planCopy' | 'copyBlocks' | 'commitRestorePoint' | 'lookForWork';
const aFault = fc.constantFrom<Fault>(
  ...[null, null, null, 'answers' as const, 'planCopy' as const],
  ...(['copyBlocks', 'commitRestorePoint', 'lookForWork'] as const),
);

export const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('work' as const), writes }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('workUndated' as const), writes }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('makeAnew' as const), writes }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('writeBelow' as const), writes }) },
  { weight: 5, arbitrary: fc.constant({ type: 'snapshot' as const }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...(['commit', 'flatten', 'revert', 'copyElsewhere'] as const))
      .map((type) => ({ type })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('touch' as const, 'wrongClock' as const, 'clock' as const),
      days,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'switch' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom('run' as const, 'run' as const, 'runAgain' as const),
      keepsTimes: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('session' as const), fault: aFault }) },
);

/** Where they lie: `alone`, each a point of their disk, `onRaw` with a raw disk at the bottom; or as those of a VMware machine, which is one point: in its
 *  `folder`, or copied folder by folder, a date each (`runs`). */
export type Place = 'alone' | 'onRaw' | 'folder' | 'runs';

export const aPlace = fc.constantFrom<Place>('alone', 'onRaw', 'folder', 'runs');
