import { expect, it } from 'vitest';
import {
  counted,
  countedOf,
  firstTexts,
  quotedNames,
  sentences,
} from '../../../src/domain/sentences.js';

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

it('counts with the number that goes with it', () => {
  expect([0, 1, 2].map((count) => counted(count, 'file was', 'files were'))).toEqual([
    ...['0 files were', '1 file was', '2 files were'],
  ]);
  expect(counted(3, 'place')).toBe('3 places');
  const lost = (part: number, all: number) =>
    countedOf([part, all], ['file', 'files'], ['is lost', 'are lost']);
  expect([lost(1, 1), lost(1, 2), lost(2, 2)]).toEqual([
    ...['1 of 1 file is lost', '1 of 2 files is lost', '2 of 2 files are lost'],
  ]);
});

it.each([
  [['logs'], '"logs"'],
  [['a', 'b', 'c', 'd', 'e'], '"a", "b", "c", "d", "e"'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], '"a", "b", "c", "d", "e" and 3 more'],
])('names the first five of %j', (names, text) => {
  expect(quotedNames(names)).toBe(text);
});
