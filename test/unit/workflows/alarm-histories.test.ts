import { expect, it } from 'vitest';
import {
  CHANNELS,
  playAlarms,
  PROBLEMS,
  type AlarmStep,
} from '../../support/workflows/alarm-history.js';
import fc from '../../support/properties.js';

/** Of the build; more by hand: `LONGHAUL_ALARM_HISTORIES=300 LONGHAUL_SEED=random`. */
const HISTORIES = Number(process.env['LONGHAUL_ALARM_HISTORIES'] ?? 4);
const SECONDS_EACH = 4;
/** The first workflow of a process makes the bundle of all. */
const BUNDLE_MS = 120_000;

const step: fc.Arbitrary<AlarmStep> = fc.record({
  changes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(PROBLEMS.length - 1), { maxLength: 2 }) },
  ),
  look: fc.oneof(
    { weight: 8, arbitrary: fc.constant('whole' as const) },
    { weight: 1, arbitrary: fc.constant('blind' as const) },
    { weight: 1, arbitrary: fc.constant('fails' as const) },
  ),
  unseen: fc.uniqueArray(fc.nat(PROBLEMS.length - 1)),
  hidesR1: fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  silence: fc.oneof(
    { weight: 14, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        jobId: fc.constantFrom(null, 'a', 'b'),
        hours: fc.integer({ min: 1, max: 6 }),
      }),
    },
  ),
  endsSilences: fc.oneof(
    { weight: 20, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  leapMinutes: fc.oneof(
    { weight: 20, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-60 * 5, -90, 45, 60 * 7, 60 * 30) },
  ),
  switched: fc.oneof(
    { weight: 20, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: CHANNELS.length - 1 }) },
  ),
  refusal: fc.oneof(
    { weight: 12, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        channel: fc.nat(CHANNELS.length - 1),
        isFinal: fc.boolean(),
        looks: fc.integer({ min: 1, max: 5 }),
      }),
    },
  ),
});

it(
  'whoever is told knows what is wrong in time, hears of no end that was none, and nothing twice, whatever happens around',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
        fc.constantFrom(40, 150, Infinity),
        async (steps, longAtEvents) => {
          expect(await playAlarms(steps, longAtEvents)).toEqual([]);
        },
      ),
      { numRuns: HISTORIES },
    );
  },
  BUNDLE_MS + HISTORIES * SECONDS_EACH * 1_000,
);

const UNEVENTFUL: AlarmStep = {
  ...{ changes: [], look: 'whole', unseen: [], hidesR1: false, silence: null },
  ...{ endsSilences: false, leapMinutes: 0, switched: null, refusal: null },
};
const FAILS = { look: 'fails' } as const;
const BLIND = { look: 'blind', unseen: [0] } as const;
const HIDES = { hidesR1: true } as const;
const byDay = CHANNELS.findIndex(({ id }) => id === 'by-day');
const grave = CHANNELS.findIndex(({ id }) => id === 'grave');

/** Looks half an hour apart from 15:00 on; the hours of `by-day` begin with the tenth and end with the thirtieth. */
it.each<[string, Readonly<Record<number, Partial<AlarmStep>>>]>([
  [
    'a problem that ended in quiet hours is back when they end',
    { 1: { changes: [0] }, 11: { changes: [0] }, 29: { changes: [0] }, 32: { changes: [0] } },
  ],
  [
    'a problem that ended in quiet hours is back when they end, and silenced',
    {
      ...{ 1: { changes: [0] }, 11: { changes: [0] }, 20: { changes: [0] } },
      ...{ 24: { silence: { jobId: null, hours: 20 } }, 40: { changes: [0] } },
    },
  ],
  [
    'looks are blind when the quiet hours end in which a problem ended',
    {
      ...{ 1: { changes: [0] }, 13: { changes: [0] } },
      ...{ 28: BLIND, 29: BLIND, 30: BLIND, 31: BLIND, 32: BLIND, 40: {} },
    },
  ],
  [
    'a problem is hidden when the quiet hours end in which it ended',
    {
      ...{ 1: { changes: [0] }, 13: { changes: [0] } },
      ...{ 28: HIDES, 29: HIDES, 30: HIDES, 31: HIDES, 32: HIDES, 40: {} },
    },
  ],
  [
    'looks fail after a message was refused',
    {
      ...{ 1: { changes: [0] }, 3: { refusal: { channel: 0, isFinal: true, looks: 1 } } },
      ...{ 4: FAILS, 5: FAILS, 6: FAILS, 7: FAILS, 8: FAILS, 20: {} },
    },
  ],
  [
    'a channel is taken out and put back while a look fails',
    { 1: { changes: [0] }, 8: { ...FAILS, switched: grave }, 9: { switched: grave }, 20: {} },
  ],
  [
    'a channel with quiet hours refuses what waited for their end',
    { 11: { changes: [0] }, 30: { refusal: { channel: byDay, isFinal: true, looks: 2 } }, 40: {} },
  ],
])(
  'whoever is told knows what is wrong, and of no end that was none, though %s',
  async (_, changed) => {
    const last = Math.max(...Object.keys(changed).map(Number));
    const steps = Array.from({ length: last + 1 }, (__, at) => ({ ...UNEVENTFUL, ...changed[at] }));
    expect(await playAlarms(steps, Infinity)).toEqual([]);
  },
);
