import { describe, expect, it } from 'vitest';
import { RateMeter } from '../../../src/repository/rate-meter.js';
import { PassedBytes, VirtualClock } from '../../support/repository/virtual-clock.js';

const MIB = 1024 * 1024;
const noLook = () => undefined;

/** Several readers of one meter, as threads are: each has an object of its own over the shared memory. */
function readers(count: number, clock: VirtualClock) {
  const meter = new RateMeter(undefined, clock);
  return { meter, each: Array.from({ length: count }, () => new RateMeter(meter.shared, clock)) };
}

describe('a meter', () => {
  it('lets no more pass in any time than its rate and one request, however many ask', async () => {
    const clock = new VirtualClock();
    const passed = new PassedBytes(clock);
    const { meter, each } = readers(4, clock);
    meter.set(10 * MIB);
    const beganAt = clock.seconds;
    const read = async (one: RateMeter, size: number) => {
      for (let n = 0; n < 40; n++) {
        await one.pass(size, noLook);
        passed.add(size);
      }
    };
    const sizes = [MIB, 64 * 1024, 3 * MIB, 8 * MIB];
    await clock.during(Promise.all(each.map((one, index) => read(one, sizes[index]!))));

    // 12 MiB and 64 KiB, forty times, at 10 MiB a second: 48.25 s, less the time of the last request.
    expect(passed.total).toBe(40 * (12 * MIB + 64 * 1024));
    const seconds = clock.seconds - beganAt;
    expect([seconds > 47.4, seconds < 48.3]).toEqual([true, true]);
    for (const window of [0.5, 1, 7, 30])
      expect(passed.mostWithin(window), `${window} s`).toBeLessThanOrEqual(
        10 * MIB * window + 2 * 8 * MIB,
      );
  });

  it('holds a new rate at once, also for what waits at the old one', async () => {
    const clock = new VirtualClock();
    const { meter, each } = readers(1, clock);
    meter.set(1_000);
    const beganAt = clock.seconds;
    const read = async () => {
      for (let n = 0; n < 3; n++) await each[0]!.pass(MIB, noLook);
    };
    const change = async () => {
      await clock.sleep(1_000);
      meter.set(MIB);
    };
    await clock.during(Promise.all([read(), change()]));
    // The second request would have waited for a quarter of an hour.
    expect(clock.seconds - beganAt).toBeLessThan(3.5);
    meter.set(null);
    const freeAt = clock.seconds;
    await clock.during(each[0]!.pass(1_000 * MIB, noLook));
    await clock.during(each[0]!.pass(1_000 * MIB, noLook));
    expect(clock.seconds).toBe(freeAt);
  });

  it('lets a task that is stopped wait no longer', async () => {
    const clock = new VirtualClock();
    const { meter } = readers(0, clock);
    meter.set(1_000);
    const beganAt = clock.seconds;
    let isStopped = false;
    const look = () => {
      if (isStopped) throw new Error('stopped');
    };
    const read = async () => {
      await meter.pass(MIB, look);
      await meter.pass(MIB, look);
    };
    const stop = async () => {
      await clock.sleep(500);
      isStopped = true;
    };
    await expect(clock.during(Promise.all([read(), stop()]))).rejects.toThrow('stopped');
    expect(clock.seconds - beganAt).toBeLessThan(1);
  });
});
