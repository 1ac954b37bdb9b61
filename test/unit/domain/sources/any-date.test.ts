import { expect, it } from 'vitest';
import { idOfAnyDate } from '../../../../src/domain/sources/any-date.js';

it.each([
  ['rman-free-b:2026-11-01', 'rman-free-b:<date>'],
  ['hana-20261101', 'hana-<date>'],
  ['hana-b:qa_2026.11.01_2215', 'hana-b:qa_<date>'],
  ['hana-b:2026-11-20_02h17m09', 'hana-b:<date>'],
  ['hana-b:2026-11-20T06%3A00%3A00%2B01%3A00', 'hana-b:<date>'],
  ['postgres-wal-b:2026-11-24T06%3A00%3A00Z:wal', 'postgres-wal-b:<date>:wal'],
  ['oracle-logs-b:2026-11-01-db', 'oracle-logs-b:<date>-db'],
])('an id of a folder of a date, %s, is the same for all dates', (id, any) => {
  expect(idOfAnyDate(id)).toBe(any);
});

it.each(['raw-web:01.img', 'mssql-shop-2026', 'id-120261101', 'vm-2026-13-01', 'hana-DB_HDB-.'])(
  'an id without a date, %s, stays as it is',
  (id) => {
    expect(idOfAnyDate(id)).toBe(id);
  },
);
