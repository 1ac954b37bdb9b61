import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { ReadableFile } from '../../../src/repository/backup-repository.js';
import {
  lineOf,
  LineWriter,
  parseLine,
  readLines,
  type FileEntry,
  type IndexLine,
} from '../../../src/tree/file-index.js';
import { readIndex, readIndexLines } from '../../../src/tree/read-index.js';
import type { IndexRun } from '../../../src/tree/tree-record.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const MIB = 1024 ** 2;
const STAMP = { sizeBytes: 5, modifiedAtNs: '7', changedAtNs: '8', inode: '9' };

function entry(path: string, more: Partial<FileEntry> = {}): FileEntry {
  return { path, stamp: STAMP, mode: 0o644, digest: 'ab', table: null, goneSinceMs: null, ...more };
}

/** docs/FORMAT.md, Trees: `[path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, digest, table, goneSinceMs]`; the last two are left out when they
 *  are null and nothing stands behind them. */
describe('a line of a run', () => {
  it.each<[string, IndexLine, string]>([
    ['of a small file', entry('a/ä'), '["a/ä",5,"7","8","9",420,"ab"]'],
    ['of a file without mode', entry('a', { mode: null }), '["a",5,"7","8","9",null,"ab"]'],
    ['of a large file', entry('a', { table: 't' }), '["a",5,"7","8","9",420,"ab","t"]'],
    [
      'of a small file that is gone',
      entry('a', { goneSinceMs: 1 }),
      '["a",5,"7","8","9",420,"ab",null,1]',
    ],
    [
      'of a large file that is gone',
      entry('a', { table: 't', goneSinceMs: 0 }),
      '["a",5,"7","8","9",420,"ab","t",0]',
    ],
    ['of what is removed', { path: 'a\n"b', isRemoved: true }, '["a\\n\\"b"]'],
  ])('%s is written and read as the format says', (_, line, text) => {
    expect(lineOf(line)).toBe(text);
    expect(parseLine(text)).toEqual(line);
  });

  it.each([
    ['[5,5,"7","8","9",420,"ab"]', 'a line without a path'],
    ['[]', 'a line without a path'],
    ['["a",5]', 'a line without times'],
    ['["a",5,"7"]', 'a line without times'],
    ['["a",5,"7","8"]', 'a line without times'],
    ['["a"', 'JSON'],
  ])('that is %s is refused: %s', (text, why) => {
    expect(() => parseLine(text)).toThrow(SyntaxError);
    expect(() => parseLine(text)).toThrow(why);
  });
});

describe('lines of a file', () => {
  async function linesOf(content: string): Promise<string[][]> {
    const repository = new SimulatedRepository();
    await repository.put('lines', Buffer.from(content));
    const parts: string[][] = [];
    for await (const part of readLines(await repository.openRead('lines'))) parts.push(part);
    return parts;
  }

  it.each<[string, string, string[][]]>([
    ['none of an empty file', '', []],
    ['one', 'a\n', [['a']]],
    ['an empty one between two', 'a\n\nb\n', [['a', '', 'b']]],
    ['the last one when nothing ends it', 'a\nb', [['a'], ['b']]],
    ['only one that nothing ends', 'a', [['a']]],
  ])('are %s', async (_, content, expected) => {
    expect(await linesOf(content)).toEqual(expected);
  });

  it.each([
    ['whose end lies at the end of a part', 'x'.repeat(MIB - 1)],
    ['whose end is the first byte of a part', 'x'.repeat(MIB)],
    ['that is longer than a part', 'x'.repeat(2 * MIB + 5)],
    ['with a character that lies in two parts', `${'x'.repeat(MIB - 1)}ä€`],
  ])('has a line whole %s', async (_, line) => {
    const lines = (await linesOf(`${line}\nnext\nä\n`)).flat();
    expect(lines.map(({ length }) => length)).toEqual([line.length, 4, 1]);
    expect(lines).toEqual([line, 'next', 'ä']);
  });

  it('come in parts of about 1 MiB, however many there are', async () => {
    const parts = await linesOf('0123456789abcde\n'.repeat((3 * MIB) / 16));
    expect(parts.map(({ length }) => length)).toEqual([MIB / 16, MIB / 16, MIB / 16]);
  });
});

describe('a writer of lines', () => {
  async function written(lines: readonly string[], before = '') {
    const repository = new SimulatedRepository();
    await repository.put('lines', Buffer.from(before));
    const file = await repository.openWrite('lines', 'existing');
    const writer = new LineWriter(file);
    const sizes: number[] = [];
    for (const line of lines) {
      sizes.push(writer.sizeBytes);
      await writer.add(line);
    }
    const from = repository.operations.length;
    const end = await writer.end();
    const { sizeBytes } = await file.stamp();
    const content = Buffer.alloc(sizeBytes);
    await file.read(content, 0);
    const { operations } = repository;
    return { sizes, end, content, operations, ending: operations.slice(from) };
  }

  it('puts one behind the other, in the place of what was there, and makes them durable', async () => {
    const { sizes, end, content, ending } = await written(['ä', 'bc', ''], 'x'.repeat(99));
    expect(content.toString()).toBe('ä\nbc\n\n');
    expect(sizes).toEqual([0, 3, 6]);
    expect(end).toEqual({
      entryCount: 3,
      digest: createHash('sha256').update('ä\nbc\n\n').digest('hex'),
    });
    expect(ending.map(({ kind }) => kind)).toEqual(['write', 'truncate', 'sync']);
  });

  it('leaves an empty file when there is none', async () => {
    const { end, content } = await written([], 'old');
    expect(content.length).toBe(0);
    // SHA-256 of nothing. Source: FIPS 180-4, example.
    expect(end).toEqual({
      entryCount: 0,
      digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    });
  });

  it('writes whenever 1 MiB waits, and knows the place of the next line all the time', async () => {
    const half = 'x'.repeat(MIB / 2 - 1);
    const { sizes, end, content, operations } = await written([half, half, half, 'ä', 'end']);
    expect(sizes).toEqual([0, MIB / 2, MIB, 1.5 * MIB, 1.5 * MIB + 3]);
    const writes = operations.filter(({ kind }) => kind === 'write');
    expect(writes.slice(-2)).toMatchObject([
      { offset: 0, length: MIB },
      { offset: MIB, length: MIB / 2 + 3 + 4 },
    ]);
    expect(end.digest).toBe(createHash('sha256').update(content).digest('hex'));
    expect(content.toString()).toBe(`${half}\n${half}\n${half}\nä\nend\n`);
  });
});

describe('an index', () => {
  const TREE = 'job/tree';

  async function runOf(
    repository: SimulatedRepository,
    name: string,
    lines: readonly string[],
  ): Promise<IndexRun> {
    const content = lines.map((line) => `${line}\n`).join('');
    await repository.put(`${TREE}/.index/${name}`, Buffer.from(content));
    const digest = createHash('sha256').update(content).digest('hex');
    return { name, entryCount: lines.length, digest };
  }

  async function pathsOf(repository: SimulatedRepository, runs: readonly IndexRun[]) {
    const entries: FileEntry[] = [];
    for await (const part of readIndex(repository, TREE, { runs })) entries.push(...part);
    return entries;
  }

  const corrupt = { code: 'CHAIN_RECORD_CORRUPT' };

  it('is what its runs say together: the last one counts, and what it calls removed is not there', async () => {
    const repository = new SimulatedRepository();
    const runs = [
      await runOf(
        repository,
        '1.run',
        ['a', 'b', 'c', 'd'].map((path) => lineOf(entry(path))),
      ),
      await runOf(repository, '2.run', ['["b"]', lineOf(entry('c', { digest: 'second' }))]),
      await runOf(repository, '3.run', [lineOf(entry('b', { digest: 'back' })), '["d"]']),
    ];
    expect((await pathsOf(repository, runs)).map(({ path, digest }) => [path, digest])).toEqual([
      ['a', 'ab'],
      ['b', 'back'],
      ['c', 'second'],
    ]);
    expect(await pathsOf(repository, [])).toEqual([]);
  });

  it('of one run comes in small parts, in its order, without what it calls removed', async () => {
    const repository = new SimulatedRepository();
    const paths = Array.from({ length: 600 }, (_, at) => String(at).padStart(4, '0'));
    const lines = paths.map((path, at) =>
      at === 300 ? JSON.stringify([path]) : lineOf(entry(path)),
    );
    const runs = [await runOf(repository, '1.run', lines)];
    const parts: string[][] = [];
    for await (const part of readIndexLines(repository, TREE, { runs }))
      parts.push(part.map(({ path }) => path));
    expect(parts.flat()).toEqual(paths.filter((_, at) => at !== 300));
    // What lives as long as a thousand lines and more is copied by the garbage collector.
    expect(parts.map(({ length }) => length)).toEqual([256, 255, 88]);
  });

  it.each<[string, (run: IndexRun) => IndexRun, string]>([
    ['has another digest', (run) => ({ ...run, digest: '0'.repeat(64) }), 'not what the record'],
    ['has more entries', (run) => ({ ...run, entryCount: 1 }), 'not what the record'],
    ['is missing', (run) => ({ ...run, name: 'other' }), 'it is missing'],
  ])('of which a run %s than the record lists is refused', async (_, change, why) => {
    const repository = new SimulatedRepository();
    const run = await runOf(repository, '1.run', [lineOf(entry('a')), lineOf(entry('b'))]);
    const changed = change(run);
    await expect(pathsOf(repository, [changed])).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining(why) as string,
      details: { path: `${TREE}/.index/${changed.name}` },
    });
  });

  it('with a line that is none is refused, whatever its digest', async () => {
    const repository = new SimulatedRepository();
    const run = await runOf(repository, '1.run', [lineOf(entry('a')), 'not a line']);
    await expect(pathsOf(repository, [run])).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining('a line that is none of an index') as string,
    });
  });

  it('that storage cannot read is not called damaged', async () => {
    const repository = new SimulatedRepository();
    const run = await runOf(repository, '1.run', [lineOf(entry('a'))]);
    const code = 'REPOSITORY_IO_ERROR';
    repository.openRead = () => Promise.reject(new BackupError(code, 'it hangs'));
    await expect(pathsOf(repository, [run])).rejects.toMatchObject({ code });
  });

  it('leaves no run open, read to its end or not, nor when the next one is missing', async () => {
    const repository = new SimulatedRepository();
    const runs = [
      await runOf(repository, '1.run', [lineOf(entry('a'))]),
      await runOf(repository, '2.run', [lineOf(entry('b'))]),
    ];
    let open = 0;
    const openRead = repository.openRead.bind(repository);
    repository.openRead = async (path): Promise<ReadableFile> => {
      const file = await openRead(path);
      open++;
      return { ...file, close: async () => void open-- };
    };
    await pathsOf(repository, runs);
    expect(open).toBe(0);
    for await (const _part of readIndex(repository, TREE, { runs })) break;
    expect(open).toBe(0);
    const missing = { name: 'other', entryCount: 0, digest: '' };
    await expect(pathsOf(repository, [...runs, missing])).rejects.toMatchObject(corrupt);
    expect(open).toBe(0);
  });
});
