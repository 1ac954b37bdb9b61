import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TaskControl, TaskStopped } from '../../../../src/mover/task/task-control.js';

let monotonicNs: bigint;
let wallMs: number;
beforeEach(() => {
  monotonicNs = 7_000_000_000n;
  wallMs = 1_800_000_000_000;
  vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => monotonicNs);
  vi.spyOn(Date, 'now').mockImplementation(() => wallMs);
});
afterEach(() => vi.restoreAllMocks());

function pass(byMonotonicMs: number, byWallMs: number): void {
  monotonicNs += BigInt(byMonotonicMs) * 1_000_000n;
  wallMs += byWallMs;
}

function refusal(control: TaskControl): unknown {
  try {
    // As another thread of the same task sees it.
    new TaskControl(control.shared).assertMayWrite();
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? error;
  }
}

describe('the lease of a task', () => {
  it('lets it write to the last millisecond, and after that no more', () => {
    const control = new TaskControl();
    expect(refusal(control)).toBeNull();
    control.extendLease(20_000);
    pass(20_000, 20_000);
    expect(refusal(control)).toBeNull();
    pass(1, 0);
    expect(refusal(control)).toBe('LEASE_EXPIRED');
  });

  it('ends also when only the wall clock has gone on, as for a guest that was paused', () => {
    const control = new TaskControl();
    control.extendLease(20_000);
    pass(0, 20_001);
    expect(refusal(control)).toBe('LEASE_EXPIRED');
  });

  it('is not made longer by a wall clock that is set back', () => {
    const control = new TaskControl();
    control.extendLease(20_000);
    pass(20_001, -3_600_000);
    expect(refusal(control)).toBe('LEASE_EXPIRED');
  });

  it('counts anew from each extension', () => {
    const control = new TaskControl();
    control.extendLease(20_000);
    pass(15_000, 15_000);
    control.extendLease(20_000);
    pass(15_000, 15_000);
    expect(refusal(control)).toBeNull();
  });

  it('is nothing to a task that was stopped', () => {
    const control = new TaskControl();
    control.extendLease(20_000);
    control.stop();
    expect(refusal(control)).toBeInstanceOf(TaskStopped);
  });
});
