import fc from '../properties.js';

/** What a model plays: events that happen one after the other, each with its promises asserted. */
export interface History<Event> {
  happen(event: Event): Promise<void>;
  /** Quiet sessions behind the last event, after which what is promised for later has to be so. */
  settle(): Promise<void>;
  end(): Promise<void>;
}

export type HistoryParameters = Pick<
  fc.Parameters,
  'seed' | 'numRuns' | 'endOnFailure' | 'interruptAfterTimeLimit'
>;

/** Plays random histories, each under rules of its own.
 *  @param length of the longest; the shortest has `leastLength` events, by default half as many
 *  @throws with the rules and the events of one that shows a fault */
export async function tryHistories<Rules, Event>(
  model: {
    readonly rules: fc.Arbitrary<Rules>;
    readonly event: fc.Arbitrary<Event>;
    readonly begin: (rules: Rules) => Promise<History<Event>>;
    readonly length: number;
    readonly leastLength?: number;
  },
  parameters: HistoryParameters,
): Promise<void> {
  const { rules, event, begin, length, leastLength = length / 2 } = model;
  const events = fc.array(event, { minLength: leastLength, maxLength: length });
  await fc.assert(
    fc.asyncProperty(rules, events, async (under, happened) => {
      const history = await begin(under);
      try {
        for (const one of happened) await history.happen(one);
        await history.settle();
      } finally {
        await history.end();
      }
    }),
    parameters,
  );
}
