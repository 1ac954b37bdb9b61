import { expect, it } from 'vitest';
import { SharedLooks } from '../../../../src/api/repositories/shared-looks.js';

/** A look that answers what the repository holds when it begins, when it is let go. */
function repository() {
  const holds: string[] = [];
  const ends: (() => void)[] = [];
  const look = (): Promise<string[]> => {
    const seen = [...holds];
    return new Promise((resolve) => ends.push(() => resolve(seen)));
  };
  return { holds, ends, look };
}

it('shows what was there before the viewer asked, also while an older look runs', async () => {
  const { holds, ends, look } = repository();
  const looks = new SharedLooks();
  const first = looks.share('points', look);
  holds.push('committed');
  const second = looks.share('points', look);
  ends[0]!();
  expect(await first).toEqual([]);
  ends[1]!();
  expect(await second).toEqual(['committed']);
});

it('runs one look for all who wait, and a new one for who comes later', async () => {
  const { ends, look } = repository();
  const looks = new SharedLooks();
  const first = looks.share('points', look);
  const waiting = [1, 2, 3].map(() => looks.share('points', look));
  ends[0]!();
  await first;
  expect(ends).toHaveLength(2);
  ends[1]!();
  await Promise.all(waiting);
  void looks.share('points', look);
  expect(ends).toHaveLength(3);
});

it('looks again after a look that failed', async () => {
  const looks = new SharedLooks();
  const failing = looks.share('points', () => Promise.reject(new Error('away')));
  const next = looks.share('points', async () => 'there');
  await expect(failing).rejects.toThrow('away');
  expect(await next).toBe('there');
});
