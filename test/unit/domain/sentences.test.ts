import { expect, it } from 'vitest';
import { sentences } from '../../../src/domain/sentences.js';

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
