import { expect, it } from 'vitest';
import { PathSet } from '../../../../src/mover/tree/path-set.js';

it('a set of paths has those that were added, whenever, and no others', () => {
  const set = new PathSet();
  expect(set.has('a')).toBe(false);
  for (let i = 0; i < 5_000; i += 2) set.add(`.chunks/${i}`);
  expect([set.has('.chunks/0'), set.has('.chunks/1')]).toEqual([true, false]);
  set.add('.chunks/1');
  const found = Array.from({ length: 5_000 }, (_, i) => set.has(`.chunks/${i}`));
  expect(found).toEqual(Array.from({ length: 5_000 }, (_, i) => i % 2 === 0 || i === 1));
});
