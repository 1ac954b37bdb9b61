import { expect, it } from 'vitest';
import { BORG_HINTS } from '../../../../src/layout/borg/hints.js';

/** The beginning of `hints.18` as borg 1.2.4 has written it; msgpack of Python reads the segments 6: 3, 15: 1, 17: 1, 18: 0. */
const WRITTEN = 'a776657273696f6e02a87365676d656e74738406030f0111011200a7636f6d70616374811209';

const bin = (text: string) => `c4${text.length.toString(16).padStart(2, '0')}${hexOf(text)}`;
const hexOf = (text: string) => Buffer.from(text).toString('hex');

/** Numbers of three lengths, a map of 16 bits, and keys that are bytes, as the description of MessagePack has them. */
const LARGE = `${bin('version')}02${bin('segments')}de0003cc8201cd03e9ccffce000186a0cd0400`;

it.each([
  ['borg 1.2.4', `85${WRITTEN}`, ['data/0/6', 'data/0/15', 'data/0/17']],
  ['large numbers', `84${LARGE}`, ['data/0/130', 'data/1/1001', 'data/100/100000']],
  ['hints that are cut', `85${WRITTEN.slice(0, -34)}`, ['data/0/6']],
  ['another map', '81a5696e646578c0', []],
  ['no map', hexOf('hints.11'), []],
  ['nothing', '', []],
])('hints name the segments with objects in use: %s', async (_, hex, expected) => {
  const bytes = Buffer.from(hex, 'hex');
  const named: string[] = [];
  const file = {
    sizeBytes: bytes.length,
    read: (offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  expect(await BORG_HINTS.read(file, (path) => named.push(path))).toBeNull();
  expect(named).toEqual(expected);
});
