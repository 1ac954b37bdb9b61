import { expect, it } from 'vitest';
import { KeptIndexes } from '../../../src/image/kept-indexes.js';

const indexOf = (memoryBytes: number) => ({ memoryBytes });

it('lets the indexes go that were not asked for the longest when there is no room', () => {
  const kept = new KeptIndexes<{ memoryBytes: number }>(100);
  const held = (...names: string[]) => names.filter((name) => kept.get(name) !== null);
  kept.keep('a', indexOf(40));
  kept.keep('b', indexOf(40));
  kept.get('a');
  kept.keep('c', indexOf(40));
  expect(held('a', 'b', 'c')).toEqual(['a', 'c']);
  kept.keep('a', indexOf(60));
  expect(held('a', 'c')).toEqual(['a', 'c']);
  kept.keep('d', indexOf(101));
  expect(held('a', 'c', 'd')).toEqual([]);
  kept.keep('e', indexOf(100));
  expect(held('e')).toEqual(['e']);
});
