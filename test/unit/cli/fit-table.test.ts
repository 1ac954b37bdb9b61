import { expect, it } from 'vitest';
import { formatTable } from '../../../src/cli/display/display-text.js';
import { tableColumns } from '../../../src/cli/display/terminal.js';

const HEAD = ['JOB', 'NAME', 'NEXT RUN', 'REASON'];
const ROWS = [
  ['copy-a', 'Nightly copy to Bergen', '2026-11-24 22:00:00Z', 'disk is full since Monday'],
  ['b', 'short', '-', ''],
];
const table = (columns: number, rows = ROWS) =>
  formatTable(HEAD, rows, { columns, cut: ['NAME', 'REASON'] }).split('\n');

const WHOLE = [
  'JOB     NAME                    NEXT RUN              REASON',
  'copy-a  Nightly copy to Bergen  2026-11-24 22:00:00Z  disk is full since Monday',
  'b       short                   -',
];

it.each([Infinity, 79])('is whole where it fits: %d columns', (columns) => {
  expect(table(columns)).toEqual(WHOLE);
});

it('is whole when nobody says how wide it may be', () => {
  expect(formatTable(HEAD, ROWS).split('\n')).toEqual(WHOLE);
});

it('cuts the last free text first', () => {
  expect(table(78)).toEqual([
    'JOB     NAME                    NEXT RUN              REASON',
    'copy-a  Nightly copy to Bergen  2026-11-24 22:00:00Z  disk is full since Mond…',
    'b       short                   -',
  ]);
});

it('cuts the free text before it when the last one is as short as it gets', () => {
  expect(table(60)).toEqual([
    'JOB     NAME              NEXT RUN              REASON',
    'copy-a  Nightly copy to…  2026-11-24 22:00:00Z  disk is ful…',
    'b       short             -',
  ]);
});

it('folds rows where cutting does not suffice, and cuts nothing then', () => {
  expect(table(55)).toEqual([
    'JOB: copy-a  NAME: Nightly copy to Bergen',
    '  NEXT RUN: 2026-11-24 22:00:00Z',
    '  REASON: disk is full since Monday',
    'JOB: b  NAME: short  NEXT RUN: -',
  ]);
});

it('gives a value that is longer than the line a line of its own, whole', () => {
  expect(formatTable(['ID', 'STATE'], [['0123456789', 'ok']], { columns: 8 })).toBe(
    'ID: 0123456789\n  STATE: ok',
  );
});

it('counts the two columns of wide characters (UAX 11)', () => {
  const rows = [['a', '東京の夜間コピー', '-', '']];
  expect(table(39, rows)).toEqual([
    'JOB  NAME              NEXT RUN  REASON',
    'a    東京の夜間コピー  -',
  ]);
  expect(table(36, rows)).toEqual([
    'JOB  NAME           NEXT RUN  REASON',
    'a    東京の夜間コ…  -',
  ]);
});

it.each([
  [{ isInteractive: true, columns: 80 }, 80],
  [{ isInteractive: false, columns: 80 }, Infinity],
  // A pseudo terminal whose size nobody has set.
  [{ isInteractive: true, columns: 0 }, Infinity],
])('fits tables to a terminal alone: %j', (size, columns) => {
  const terminal = { out: () => undefined, err: () => undefined, environment: {}, ...size };
  expect(tableColumns({ ...terminal, workingFolder: '/' })).toBe(columns);
});
