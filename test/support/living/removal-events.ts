import fc from '../properties.js';

export const SHARES = ['east', 'west'] as const;
export const MACHINES_OF_A_SHARE = 4;

export type Share = (typeof SHARES)[number];

export type Mount = 'all' | 'empty' | 'away' | 'half';

/** What happens to machines in shares, and to what is seen of them. */
export type Event =
  /** Machines work and are backed up, each day or not. */
  | { readonly type: 'days'; readonly count: number; readonly isBackedUp: boolean }
  /** A machine is deleted with its backups, or comes back with them. */
  | { readonly type: 'remove' | 'restore' | 'rename' | 'forbid'; readonly machine: number }
  /** The mount is an empty folder, is no folder at all, or a mount below it is away, with half of the machines. */
  | { readonly type: 'empty' | 'away' | 'half' | 'mount'; readonly share: Share }
  /** A share, or the folder of one machine, is not to be seen in a session of each day, for longer than what is gone is kept. */
  | {
      readonly type: 'hide';
      readonly what: Exclude<Mount, 'all'> | 'forbidden';
      readonly machine: number;
      /** Beyond those after which copies are deleted. */
      readonly moreDays: number;
      readonly losesAnswers: boolean;
      readonly comesBack: boolean;
    }
  | { readonly type: 'session'; readonly clockDays: number; readonly losesAnswers: boolean };

const aMachine = fc.nat(SHARES.length * MACHINES_OF_A_SHARE - 1);
const aHiding = fc.record({
  type: fc.constant('hide' as const),
  what: fc.constantFrom(...(['empty', 'away', 'half', 'half', 'forbidden'] as const)),
  machine: aMachine,
  moreDays: fc.constantFrom(1, 4, 6),
  losesAnswers: fc.constantFrom(false, false, true),
  comesBack: fc.boolean(),
});
export const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: aHiding },
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('days' as const),
      count: fc.constantFrom(1, 1, 1, 1, 2, 3, 7, 30),
      isBackedUp: fc.boolean(),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('session' as const),
      clockDays: fc.constantFrom(0, 0, 0, 0, 0, 1, 9, 400, -1, -30),
      losesAnswers: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      type: fc.constantFrom(
        ...(['remove', 'remove', 'remove', 'restore', 'rename', 'forbid'] as const),
      ),
      machine: aMachine,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(...(['empty', 'away', 'half', 'mount', 'mount'] as const)),
      share: fc.constantFrom(...SHARES),
    }),
  },
);
