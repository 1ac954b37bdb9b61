import { beforeEach, describe, expect, it } from 'vitest';
import { Pulse, type ClockReading } from '../../../activities/running/pulse.js';

const LEASE_MS = 20_000;

let clocks: ClockReading;
let pulse: Pulse;
beforeEach(() => {
  clocks = { monotonicMs: 5_000, wallMs: 1_800_000_000_000 };
  pulse = new Pulse(() => clocks);
});

/** @param beats how often the pulse was felt meanwhile */
function pass(monotonicMs: number, wallMs: number, beats = 1): void {
  for (let i = 0; i < beats; i++) {
    clocks = {
      monotonicMs: clocks.monotonicMs + monotonicMs / beats,
      wallMs: clocks.wallMs + wallMs / beats,
    };
    if (i < beats - 1) pulse.beat();
  }
}

describe('a task that reaches a process', () => {
  it('is in time while the process lives, however long', () => {
    pass(3_600_000, 3_600_000, 7_200);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(false);
  });

  it.each([
    ['was frozen', LEASE_MS + 1, LEASE_MS + 1],
    ['was suspended, or its guest paused, so that one clock stood still', 0, LEASE_MS + 1],
    ['was frozen while the wall clock was set back', LEASE_MS + 1, -60_000],
  ])('may be late when the process %s for longer than a lease', (_, monotonicMs, wallMs) => {
    pass(monotonicMs, wallMs);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(true);
  });

  it('is in time when the process stood still for less than a lease', () => {
    pass(LEASE_MS, LEASE_MS);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(false);
  });

  it('is in time when the process stood still before anybody here asked for tasks, and not after that', () => {
    pass(60_000, 60_000);
    pulse.beat();
    pulse.forget();
    expect(pulse.mayBeLate(LEASE_MS)).toBe(false);
    pass(LEASE_MS + 1, LEASE_MS + 1);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(true);
  });

  it('may be late for some seconds after the waking, whoever noticed it first, and is in time then', () => {
    pass(60_000, 60_000);
    pulse.beat();
    pass(9_500, 9_500, 19);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(true);
    pass(1_000, 1_000, 2);
    expect(pulse.mayBeLate(LEASE_MS)).toBe(false);
  });
});
