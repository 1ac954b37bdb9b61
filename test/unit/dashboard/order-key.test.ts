import { describe, expect, it } from 'vitest';
import { OrderKey } from '../../../src/dashboard/client/order-key.js';

const MINUTE_MS = 60_000;

function orderKey(): OrderKey {
  let made = 0;
  return new OrderKey(() => `key-${(made += 1)}`);
}

describe('the key of an order', () => {
  it('stays when the order is sent again because its answer looked like a failure', () => {
    const key = orderKey();
    expect([key.of('copy web01', 0), key.of('copy web01', MINUTE_MS)]).toEqual(['key-1', 'key-1']);
  });

  it('is another one for another order, once the first was taken, and after a long time', () => {
    const key = orderKey();
    expect(key.of('copy web01', 0)).toBe('key-1');
    expect(key.of('copy db02', 0)).toBe('key-2');
    key.taken();
    expect(key.of('copy db02', 0)).toBe('key-3');
    expect(key.of('copy db02', 9 * MINUTE_MS)).toBe('key-3');
    expect(key.of('copy db02', 10 * MINUTE_MS)).toBe('key-4');
  });
});
