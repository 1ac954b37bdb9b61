import { expect, it } from 'vitest';
import { storeOnceLayout } from '../../../../src/layout/storeonce/storeonce.js';
import { suspicionOf } from '../../../../src/domain/trees/tree-guard.js';

const LOOK = 'of 10 files that the source showed at the last look';
const END = ': a wiped or encrypted source looks like this';

it.each<[string, number, number, number, string | null]>([
  // known, gone, rewritten
  ['nothing has changed', 10, 0, 0, null],
  ['half of the files are gone', 10, 5, 0, null],
  ['more than half are gone', 10, 6, 0, `${LOOK} 6 are gone${END}`],
  ['half of the files were written to', 10, 0, 5, null],
  [
    'more than half were written to',
    10,
    0,
    6,
    `${LOOK} 6 were written to, although their kind never is${END}`,
  ],
  [
    'one of both is too much',
    10,
    6,
    1,
    `${LOOK} 6 are gone and 1 were written to, although their kind never is${END}`,
  ],
  ['three of four files are gone', 4, 3, 0, null],
  [
    'four of five files are gone',
    5,
    4,
    0,
    `of 5 files that the source showed at the last look 4 are gone${END}`,
  ],
  [
    'all of two files are gone',
    2,
    2,
    0,
    `of 2 files that the source showed at the last look 2 are gone${END}`,
  ],
  ['one of two files was written to', 2, 0, 1, null],
  [
    'all of two files were written to',
    2,
    0,
    2,
    `of 2 files that the source showed at the last look 2 were written to, although their kind never is${END}`,
  ],
  ['there was nothing', 0, 0, 0, null],
])('a look at a source in which %s', (_, known, gone, rewritten, expected) => {
  const changes = { known, steady: known, gone, rewritten, added: 0 };
  expect(suspicionOf(changes, { suspiciousShare: 0.5, shape: 'store' }, [])).toBe(expected);
});

it('sets of which each backup writes over the one before are no reason to ask, as long as they are few', () => {
  const changes = { known: 3, steady: 3, gone: 0, rewritten: 3, added: 0 };
  expect(suspicionOf(changes, { suspiciousShare: 0.5, shape: 'sets' }, [])).toBeNull();
});

it('files of fixed names in a mirror of which nothing is known are no reason to ask, as long as they are few', () => {
  const changes = { known: 3, steady: 3, gone: 0, rewritten: 3, added: 0 };
  expect(suspicionOf(changes, storeOnceLayout.rules, [])).toBeNull();
  expect(suspicionOf({ ...changes, gone: 3, rewritten: 0 }, storeOnceLayout.rules, [])).toMatch(
    /3 are gone/,
  );
});
