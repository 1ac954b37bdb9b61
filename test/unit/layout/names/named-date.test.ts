import { describe, expect, it } from 'vitest';
import { namedDateMs, writtenAtMs } from '../../../../src/layout/names/named-date.js';

const NAME =
  /^(?<year>\d{4})-?(?<month>\d\d)-?(?<day>\d\d)(?:[_ ](?<hour>\d\d)-?(?<minute>\d\d)-?(?<second>\d\d))?$/;

function dateOf(name: string): string | null {
  const ms = namedDateMs(NAME.exec(name)!.groups!);
  return ms === null ? null : new Date(ms).toISOString();
}

describe('namedDateMs', () => {
  it.each([
    ['2026-11-24_21-05-09', '2026-11-24T21:05:09.000Z'],
    ['2026-11-24 210509', '2026-11-24T21:05:09.000Z'],
    ['20261124', '2026-11-24T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('takes %s for UTC', (name, date) => {
    expect(dateOf(name)).toBe(date);
  });

  it.each(['2026-13-01', '2026-02-30', '2025-02-29', '2026-11-24_24-00-00', '2026-11-24_23-60-00'])(
    'knows no day or time %s',
    (name) => {
      expect(dateOf(name)).toBeNull();
    },
  );
});

describe('writtenAtMs', () => {
  it('is when the last of the files was written to', () => {
    const files = ['1795000000123456789', '1795000001999999999'].map((modifiedAtNs) => ({
      stamp: { modifiedAtNs },
    }));
    expect(writtenAtMs(files)).toBe(1_795_000_001_999);
  });
});
