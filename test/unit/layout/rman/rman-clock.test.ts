import { expect, it } from 'vitest';
import { clockOfNames, type Closing } from '../../../../src/layout/rman/rman-clock.js';

const HOUR = 60 * 60_000;

it('the clock of names is looked up in a few steps, however many autobackups there are', () => {
  let reads = 0;
  const autobackups = Array.from({ length: 2000 }, (_, hour) => ({
    ...{ atMs: hour * HOUR, file: {} },
    get writtenMs() {
      reads += 1;
      return hour * HOUR + (hour < 1000 ? 0 : HOUR);
    },
  })) as unknown as Closing[];
  const { namedMs } = clockOfNames(autobackups);
  reads = 0;
  for (let hour = 0; hour < 2000; hour++) namedMs(hour * HOUR - 1);
  expect(reads / 2000).toBeLessThan(20);
  // The next one tells, and of what was written behind all of them the last.
  expect([999, 1001].map((hour) => namedMs(hour * HOUR) / HOUR)).toEqual([999, 1000]);
  expect(namedMs(3000 * HOUR) / HOUR).toBe(2999);
});
