import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseRecord, serializeRecord } from '../../../src/chain/record-document.js';

/** Any object is a record here. */
const FORMAT = { marker: 'example', version: 3, shape: () => null };

const RECORDS: readonly (readonly [string, object])[] = [
  ['without fields', {}],
  ['with an empty list', { points: [] }],
  ['with a list in front', { points: [{ id: 'a' }], pending: null }],
  ['with a list at the end', { id: 'x', points: [{ id: 'a' }, { id: 'b', flags: ['weekly'] }] }],
  ['with two lists side by side', { points: [{ id: 'a' }], known: [{ id: 'b' }, { id: 'c' }] }],
  ['with a list of lists and of texts', { runs: [[1, 2], [], [{}]], names: ['a', 'b,]'] }],
  ['with line feeds and other signs in texts', { name: 'a\nb', points: [{ id: ' \n{"ü😀' }] }],
  ['with fields that are not there', { a: undefined, points: [{ b: undefined, c: 1 }], d: 2 }],
];

describe('the file of a record', () => {
  it.each(RECORDS)('has the digest of its compact JSON (%s)', (_, record) => {
    const bytes = serializeRecord(FORMAT, record);
    const file = JSON.parse(bytes.toString()) as Record<string, unknown>;
    const compact = JSON.stringify(record);
    expect(file).toEqual({
      example: 3,
      digest: createHash('sha256').update(compact).digest('hex'),
      record: JSON.parse(compact) as unknown,
    });
    expect(parseRecord(FORMAT, bytes, 'example.json')).toEqual(JSON.parse(compact));
  });

  it('gives each element of a list a line', () => {
    const record = { id: 'x', points: [{ id: 'a' }, { id: 'b' }], pending: null };
    const [head, ...lines] = serializeRecord(FORMAT, record).toString().split('\n');
    expect(head).toMatch(/^\{"example":3,"digest":"[0-9a-f]{64}","record":\{"id":"x","points":\[$/);
    expect(lines).toEqual(['{"id":"a"},', '{"id":"b"}', '],"pending":null}}', '']);
  });
});
