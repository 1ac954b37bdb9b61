import fc from '../../../support/properties.js';
import { describe, expect, it } from 'vitest';
import { isBackupError } from '../../../../src/domain/errors.js';
import {
  createdAtOfPointFolder,
  nameOfPathSegment,
  pathSegment,
  pointFolderName,
  workloadSegment,
} from '../../../../src/domain/targets/path-segment.js';

/** Any name, half surrogate pairs too, and names that look like what encoding gives. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '%',
      'u',
      'D',
      '8',
      '0',
      '2',
      '5',
      'E',
      '.',
      '~',
      '/',
      '\uD800',
      '\uDC00',
      'é',
    ),
  }),
);

describe('path segment of a workload', () => {
  it.each([
    ['web01', 'web01'],
    ['sessions', '%73essions'],
    ['Sessions', '%53essions'],
    ['job.json', '%6Aob.json'],
    ['.audit', '%2Eaudit'],
    ['%73essions', '%2573essions'],
  ])('of %s is %s, and no name of something else in the folder of a job', (name, segment) => {
    expect(workloadSegment(name)).toBe(segment);
  });

  it('is different for every name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(workloadSegment(name) === workloadSegment('sessions')).toBe(name === 'sessions');
      }),
    );
  });
});

describe('path segment', () => {
  it.each([
    ['web01', 'web01'],
    ['SQL_prod-2.local', 'SQL_prod-2.local'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['.hidden', '%2Ehidden'],
    ['ends.', 'ends%2E'],
    ['', '%'],
    ['100%', '100%25'],
    ['Büro 1', 'B%C3%BCro%201'],
    ['a~b!(c)', 'a%7Eb%21%28c%29'],
    ['😀', '%F0%9F%98%80'],
    ['nul\0', 'nul%00'],
    ['half \uD83D', 'half%20%uD83D'],
  ])('of %j is %s', (name, expected) => {
    expect(pathSegment(name)).toBe(expected);
    expect(nameOfPathSegment(expected)).toBe(name);
  });

  it('is one safe segment that gives the name back, for every name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const segment = pathSegment(name);
        expect(segment).toMatch(/^[A-Za-z0-9_%~-](?:[A-Za-z0-9._%~-]{0,198}[A-Za-z0-9_%~-])?$/);
        if (!segment.includes('~')) expect(nameOfPathSegment(segment)).toBe(name);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps long names apart that differ only behind the cut', () => {
    const long = 'x'.repeat(250);
    expect(pathSegment('x'.repeat(200))).toBe('x'.repeat(200));
    expect(pathSegment(`${long}1`)).toHaveLength(200);
    expect(pathSegment(`${long}1`)).not.toBe(pathSegment(`${long}2`));
    expect(nameOfPathSegment(pathSegment(long))).toBeNull();
  });

  it('ends a cut name in the FNV-1a fingerprint of the whole', () => {
    // 64-bit FNV-1a of 201 times "a", computed in Python.
    expect(pathSegment('a'.repeat(201))).toBe(`${'a'.repeat(183)}~9a253eda0ce95884`);
  });

  it.each(['%2e', 'a b', '%', '%41', '%C3', '%uD83D%uDE00', '.x'])(
    'reads %s only if it would have written it',
    (segment) => {
      expect(nameOfPathSegment(segment)).toBe(segment === '%' ? '' : null);
    },
  );
});

describe('folder name of a restore point', () => {
  it.each([
    ['2026-11-24T22:00:00.000Z', '2026-11-24T220000Z'],
    ['2026-11-24T22:00:00.250Z', '2026-11-24T220000Z.250'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T235959Z.999'],
  ])('of %s is %s, and back', (instant, folder) => {
    expect(pointFolderName(Date.parse(instant))).toBe(folder);
    expect(createdAtOfPointFolder(folder)).toBe(Date.parse(instant));
  });

  it('sorts by time', () => {
    const instant = fc.integer({ min: 0, max: 253_402_300_799_999 });
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 100_000 }), (ms, later) => {
        fc.pre(ms + later <= 253_402_300_799_999);
        expect(pointFolderName(ms) < pointFolderName(ms + later)).toBe(true);
      }),
    );
  });

  it.each([
    '2026-11-24T22:00:00Z',
    '2026-13-24T220000Z',
    '2026-02-30T220000Z',
    '2026-11-24T220000Z.000',
    '.staging',
    '',
  ])('is not %j', (folder) => {
    expect(createdAtOfPointFolder(folder)).toBeNull();
  });

  it.each([NaN, Infinity, 253_402_300_800_000])('refuses the date %s', (createdAtMs) => {
    expect(() => pointFolderName(createdAtMs)).toThrow(/outside the years 0 to 9999/);
    try {
      pointFolderName(createdAtMs);
    } catch (error) {
      expect(isBackupError(error, 'RESTORE_POINT_BROKEN')).toBe(true);
    }
  });
});
