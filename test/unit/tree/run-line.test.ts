import { describe, expect, it } from 'vitest';
import type { FileStamp } from '../../../src/domain/file-stamp.js';
import type { FileContent } from '../../../src/domain/trees/tree-rules.js';
import { parseLine, type IndexLine } from '../../../src/tree/file-index.js';
import { RunLine } from '../../../src/tree/run-line.js';

const STAMP = { sizeBytes: 5, modifiedAtNs: '17', changedAtNs: '18', inode: '9' };
/** docs/FORMAT.md, Trees: `[path, sizeBytes, modifiedAtNs, changedAtNs, inode, mode, digest, table, goneSinceMs]`. */
const LINE = '["a/b",5,"17","18","9",420,"ab"]';

/** A line, and how often it was read. */
function lineOf(text: string): { line: RunLine; reads: string[] } {
  const reads: string[] = [];
  const read = (of: string): IndexLine => {
    reads.push(of);
    return parseLine(of);
  };
  return { line: new RunLine(text, read), reads };
}

describe('a line of a run', () => {
  it.each<[string, string]>([
    ['["a/b",5,"17","18","9",420,"ab"]', 'a/b'],
    ['["ä €.😀",5,"17","18","9",420,"ab"]', 'ä €.😀'],
    ['["",5,"17","18","9",420,"ab"]', ''],
  ])('%s tells its path unread', (text, path) => {
    const { line, reads } = lineOf(text);
    expect([line.path, line.isRemoved, reads]).toEqual([path, false, []]);
    expect(line.entry).toEqual(parseLine(text));
  });

  it.each<[string, string]>([
    ['["a\\n\\"b",5,"17","18","9",420,"ab"]', 'a\n"b'],
    ['["\\ud800",5,"17","18","9",420,"ab"]', '\ud800'],
    ['[ "a/b" , 5,"17","18","9",420,"ab"]', 'a/b'],
  ])('%s is read for its path', (text, path) => {
    expect(lineOf(text).line).toMatchObject({ path, isRemoved: false });
  });

  it.each<[string, string]>([
    ['["a/b"]', 'a/b'],
    ['["a\\"b"]', 'a"b'],
  ])('%s says that there is none any more', (text, path) => {
    expect(lineOf(text).line).toMatchObject({ path, isRemoved: true });
  });

  it.each(['', '[', '["', '["a', '["a"', '["a"x]', '["a";5,"17","18","9",420,"ab"]', '{}'])(
    'that is %s is refused at once',
    (text) => {
      expect(() => lineOf(text)).toThrow(SyntaxError);
    },
  );

  it.each(['["a",', '["a",5', '["a",5,"17","18","9",420,"ab"]]'])(
    'that begins as one, and is %s, is refused when it is read',
    (text) => {
      const { line } = lineOf(text);
      expect(line.isRemoved).toBe(false);
      expect(() => line.entry).toThrow(SyntaxError);
    },
  );
});

describe('whether a line is that of a file as the source shows it', () => {
  const saysOf = (
    text: string,
    stamp: Partial<FileStamp> = {},
    content: FileContent = 'appended',
  ) =>
    lineOf(text).line.entryOfSame({ path: 'a/b', stamp: { ...STAMP, ...stamp } }, content) !== null;

  it.each<[string, string]>([
    ['of a small file', LINE],
    ['of a file without permissions', '["a/b",5,"17","18","9",null,"ab"]'],
    ['of a large file', '["a/b",5,"17","18","9",420,"ab","t-1"]'],
    ['of an empty digest', '["a/b",5,"17","18","9",420,""]'],
  ])('is told by one %s, which is read when somebody asks for the rest', (_, text) => {
    const { line, reads } = lineOf(text);
    const entry = line.entryOfSame({ path: 'a/b', stamp: STAMP }, 'appended')!;
    expect([entry.path, entry.goneSinceMs, reads]).toEqual(['a/b', null, []]);
    const { digest, table, mode, stamp } = entry;
    expect(parseLine(text)).toMatchObject({ digest, table, mode, stamp, goneSinceMs: null });
    expect(reads).toEqual([text]);
  });

  it.each<[string, Partial<FileStamp>]>([
    ['size', { sizeBytes: 51 }],
    ['shorter size', { sizeBytes: 0 }],
    ['time', { modifiedAtNs: '1' }],
    ['longer time', { modifiedAtNs: '170' }],
    ['change time', { changedAtNs: '1' }],
    ['longer change time', { changedAtNs: '180' }],
    ['inode', { inode: '90' }],
    ['shorter inode', { inode: '' }],
  ])('is not told of one of another %s', (_, stamp) => {
    expect(saysOf(LINE)).toBe(true);
    expect(saysOf(LINE, stamp)).toBe(false);
  });

  it('is told whatever the change time is where a file never changes, and not whatever else is', () => {
    expect(saysOf(LINE, { changedAtNs: '99' }, 'immutable')).toBe(true);
    for (const stamp of [{ sizeBytes: 6 }, { modifiedAtNs: '16' }, { inode: '8' }])
      expect(saysOf(LINE, stamp, 'immutable')).toBe(false);
    for (const content of ['replaced', 'appended', 'rewritten'] as const)
      expect(saysOf(LINE, { changedAtNs: '99' }, content)).toBe(false);
  });

  it.each([
    ['says that the file is gone', '["a/b",5,"17","18","9",420,"ab",null,1]'],
    ['says that a large file is gone', '["a/b",5,"17","18","9",420,"ab","t",1]'],
    ['says that there is none', '["a/b"]'],
    ['ends behind the permissions', '["a/b",5,"17","18","9",420]'],
    ['goes on behind its end', `${LINE}]`],
    ['has no end', '["a/b",5,"17","18","9",420,"ab"'],
    ['has more than a line of an index has', '["a/b",5,"17","18","9",420,"ab","t","u"]'],
    ['has permissions that are no number', '["a/b",5,"17","18","9","420","ab"]'],
  ])('is not told by one that %s', (_, text) => {
    expect(saysOf(text)).toBe(false);
    expect(saysOf(text, {}, 'immutable')).toBe(false);
  });
});
