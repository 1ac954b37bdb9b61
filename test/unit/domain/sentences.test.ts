import { expect, it } from 'vitest';
import { firstTexts, sentences } from '../../../src/domain/sentences.js';

it.each([
  [
    ['cannot be read (EINVAL).', 'Use other storage.'],
    'cannot be read (EINVAL). Use other storage.',
  ],
  [['a chain was recreated', 'Make a new job.'], 'a chain was recreated. Make a new job.'],
  [['is it mounted?', ''], 'is it mounted?'],
])('joins %j with one full stop each', (parts, text) => {
  expect(sentences(...parts)).toBe(text);
});

it('counts what a list was cut by before when it is cut again', () => {
  const first = Array.from({ length: 20 }, (_, index) => `point ${index} was written over`);
  expect(firstTexts([...first, 'and 480 more like these', 'another'])).toEqual([
    ...first,
    'and 481 more like these',
  ]);
  expect(firstTexts([...first.slice(1), 'another'])).toEqual([...first.slice(1), 'another']);
});
