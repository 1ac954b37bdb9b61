import fc from 'fast-check';
import { DISASTERS, TOOL_OPERATIONS } from './source-tools.js';
import type {
  CopyLoss,
  ListDamage,
  TreeEvent,
  TreeFault,
  TreeKind,
  TreeSession,
} from './tree-event.js';
import { TreeHistory } from './tree-history.js';

const operation = fc.constantFrom(...TOOL_OPERATIONS);
const seed = fc.nat(999);

const stop = fc.record({
  atOperation: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 160 })),
  when: fc.constantFrom('before', 'torn', 'after'),
  loss: fc.oneof(
    fc.constant({ kind: 'none' } as const),
    fc.record({ kind: fc.constant('power' as const), seed }),
  ),
  goesOn: fc.boolean(),
});

const session: fc.Arbitrary<TreeSession> = fc.record({
  during: fc.option(fc.record({ operation, seed, everyCalls: fc.integer({ min: 1, max: 6 }) }), {
    freq: 2,
  }),
  clockHours: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -240, max: 240 }) },
  ),
  stops: fc.array(stop, { maxLength: 2 }),
  fault: fc.option(
    fc.record({
      kind: fc.constantFrom<TreeFault['kind']>('unreadable', 'denied', 'folder', 'io', 'full'),
      at: fc.nat(60),
    }),
    { freq: 3 },
  ),
});

const anEvent: fc.Arbitrary<TreeEvent> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant('tool' as const), operation, seed }),
  },
  { weight: 7, arbitrary: fc.record({ type: fc.constant('session' as const), session }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('days' as const),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('loss' as const),
      how: fc.constantFrom<CopyLoss>('removed', 'cut', 'longer'),
      seed,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('list' as const),
      how: fc.constantFrom<ListDamage>('removed', 'emptied', 'cut', 'overwritten'),
      seed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('missing' as const),
      isListing: fc.boolean(),
      seed,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('disaster' as const),
      disaster: fc.constantFrom(...DISASTERS),
      amid: fc.option(session, { freq: 1 }),
    }),
  },
);

const aKind: fc.Arbitrary<TreeKind> = fc.constantFrom('store', 'written', 'datastore', 'sets');

/** Tries random histories of trees; fails with the shortest one that shows a fault.
 *  @param seed the same histories each time */
export async function tryTreeHistories(parameters: {
  readonly seed: number;
  readonly numRuns: number;
  readonly endOnFailure?: boolean;
}): Promise<void> {
  const events = fc.array(anEvent, { minLength: 4, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(aKind, events, async (kind, happened) => {
      const history = await TreeHistory.begin(kind);
      for (const event of happened) await history.happen(event);
      await history.end();
    }),
    parameters,
  );
}
