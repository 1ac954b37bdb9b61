import { describe, expect, it } from 'vitest';
import {
  mergeStreams,
  PART_ENTRIES,
  SortedStream,
  walkBoth,
  type Sorted,
} from '../../../src/tree/sorted-stream.js';

interface Marked extends Sorted {
  readonly from: number;
}

/** Parts of paths, one after the other. */
async function* partsOf(parts: readonly string[], from: number): AsyncGenerator<Marked[]> {
  for (const part of parts) {
    await Promise.resolve();
    yield [...part].map((path) => ({ path, from }));
  }
}

function streamOf(parts: readonly string[], from = 0): Promise<SortedStream<Marked>> {
  return SortedStream.of(partsOf(parts, from));
}

describe('a sorted stream', () => {
  it.each<[string, string[], string]>([
    ['nothing', [], ''],
    ['nothing but empty parts', ['', ''], ''],
    ['one part', ['abc'], 'abc'],
    ['parts with empty ones before, between and behind', ['', 'ab', '', '', 'c', ''], 'abc'],
  ])('of %s goes through all of it and stays at the end', async (_, parts, expected) => {
    const stream = await streamOf(parts);
    let seen = '';
    while (stream.current !== null) {
      seen += stream.current.path;
      await stream.advance();
    }
    expect(seen).toBe(expected);
    await stream.advance();
    expect(stream.current).toBeNull();
  });

  it('has nothing to be awaited for within a part', async () => {
    const stream = await streamOf(['ab', 'c']);
    expect(stream.advance()).toBeNull();
    expect(stream.advance()).toBeInstanceOf(Promise);
  });
});

describe('streams as one', () => {
  async function merged(...streams: readonly string[][]): Promise<string> {
    const all = await Promise.all(streams.map((parts, from) => streamOf(parts, from)));
    let text = '';
    for await (const part of mergeStreams(all))
      for (const { path, from } of part) text += `${path}${from}`;
    return text;
  }

  it.each<[string, string[][], string]>([
    ['none', [], ''],
    ['empty ones', [[], ['']], ''],
    ['one', [['ab', 'c']], 'a0b0c0'],
    ['one behind the other', [['ab'], ['cd']], 'a0b0c1d1'],
    ['one before the other', [['cd'], ['ab']], 'a1b1c0d0'],
    ['mixed', [['ac'], ['bd']], 'a0b1c0d1'],
    ['the last of those that have a path', [['ab'], ['a'], ['ac']], 'a2b0c2'],
    [
      'ends of parts at a common path',
      [
        ['a', 'b'],
        ['a', 'c'],
      ],
      'a1b0c1',
    ],
  ])('are sorted: %s', async (_, streams, expected) => {
    expect(await merged(...streams)).toBe(expected);
  });

  it('sort by bytes, not as a language does', async () => {
    // In UTF-16 the second comes first.
    expect(await merged(['\uffee'], ['\u{1f600}'])).toBe('\uffee0\u{1f600}1');
    expect(await merged(['Z'], ['a'])).toBe('Z0a1');
  });

  it.each([PART_ENTRIES - 1, PART_ENTRIES, 2 * PART_ENTRIES + 1])(
    'come in parts of 1,024 entries: %i',
    async (count) => {
      const paths = Array.from({ length: count }, (_, at) => String(at).padStart(5, '0'));
      const stream = await SortedStream.of(
        (async function* () {
          await Promise.resolve();
          yield paths.map((path) => ({ path }));
        })(),
      );
      const parts: Sorted[][] = [];
      for await (const part of mergeStreams([stream])) parts.push([...part]);
      expect(parts.flat().map(({ path }) => path)).toEqual(paths);
      expect(Math.max(...parts.map(({ length }) => length))).toBe(Math.min(count, 1_024));
    },
  );
});

describe('two streams side by side', () => {
  it.each<[string, string[], string[], string]>([
    ['nothing', [], [], ''],
    ['the same', ['ab'], ['a', 'b'], 'aa bb'],
    ['only left', ['ab'], [], 'a- b-'],
    ['only right', [], ['ab'], '-a -b'],
    ['both in turn', ['ace'], ['bcd'], 'a- -b cc -d e-'],
  ])('are visited path by path: %s', async (_, left, right, expected) => {
    const visits: string[] = [];
    let waiting = 0;
    await walkBoth(await streamOf(left), await streamOf(right), (a, b) => {
      expect(waiting).toBe(0);
      visits.push(`${a?.path ?? '-'}${b?.path ?? '-'}`);
      if (visits.length % 2 === 0) return undefined;
      waiting++;
      return Promise.resolve().then(() => void waiting--);
    });
    expect(visits.join(' ')).toBe(expected);
  });
});
