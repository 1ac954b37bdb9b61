import { describe, expect, it } from 'vitest';
import { parseDatedName } from '../../../src/layout/dated-name.js';

describe('parseDatedName', () => {
  it.each([
    ['web01-2026-11-24', 'web01', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['web_01_20261124T013005Z', 'web_01', '20261124T013005Z', '2026-11-24T01:30:05.000Z'],
    ['web.01.2026-11-24_21-05-09', 'web.01', '2026-11-24_21-05-09', '2026-11-24T21:05:09.000Z'],
    ['20261124', '', '20261124', '2026-11-24T00:00:00.000Z'],
    ['my mac 2026-11-24 0130', 'my mac', '2026-11-24 0130', '2026-11-24T01:30:00.000Z'],
  ])('finds stem and date in %s', (name, stem, date, createdAt) => {
    expect(parseDatedName(name)).toEqual({ stem, date, createdAtMs: Date.parse(createdAt) });
  });

  it.each([
    'web01',
    'web01-2026',
    'web01-20261324',
    'web01-2026-11-31',
    'web2026-11-24',
    '10261124',
    'x-2026-1124',
  ])('finds none in %s', (name) => {
    expect(parseDatedName(name)).toBeNull();
  });
});
