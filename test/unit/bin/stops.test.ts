import { expect, it } from 'vitest';
import { Stops } from '../../../src/bin/stops.js';

it('stops what was started in the opposite order, all of it when one fails, and nothing twice', async () => {
  const stops = new Stops();
  const done: string[] = [];
  const fault = new Error('the workers did not stop');
  stops.add(async () => void done.push('lock'));
  stops.add(() => Promise.reject(fault));
  stops.add(async () => void done.push('api'));
  await expect(stops.run()).rejects.toBe(fault);
  expect(done).toEqual(['api', 'lock']);
  await stops.run();
  expect(done).toEqual(['api', 'lock']);
});
