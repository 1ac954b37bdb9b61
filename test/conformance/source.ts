import { beforeEach, describe, expect, it } from 'vitest';
import type {
  BackupRepository,
  ReadableFile,
  SourceRepository,
} from '../../src/repository/backup-repository.js';
import { takeRunBuffer } from '../../src/image/run-buffer.js';
import { readWholeFile } from '../../src/repository/replace-file.js';
import { expectCode } from './backup-repository.js';

interface SourceUnderTest {
  readonly source: SourceRepository;
  /** Puts there what is read: the same storage. It is empty. */
  readonly target: BackupRepository;
  dispose(): Promise<void>;
}

const text = (content: string): Buffer => Buffer.from(content);
const PAGE_BYTES = 4096;

/** What is no path. The root is one where a folder is asked for. */
const BAD_PATHS: readonly (readonly [string, string])[] = [
  ['an absolute path', '/etc/passwd'],
  ['the parent folder', '..'],
  ['a way out in the middle', 'a/../../outside'],
  ['the folder itself', 'a/./b'],
  ['an empty part', 'a//b'],
  ['a slash at the end', 'a/'],
  ['a backslash', 'a\\..\\b'],
  ['a NUL character', 'a\0b'],
  ['a name of 256 bytes', 'n'.repeat(256)],
  ['a short name of 256 bytes of UTF-8', 'é'.repeat(128)],
  ['half a character', 'a\ud800'],
];

const ODD_NAMES: readonly (readonly [string, string])[] = [
  ['spaces', ' a  b '],
  ['a percent sign', '100%25%2e%2e'],
  ['letters of other scripts', 'резервная-копия-バックアップ-💾'],
  ['a composed letter', 'caf\u00e9'],
  ['a decomposed letter', 'cafe\u0301'],
  ['control characters', 'a\nb\tc\u0007'],
  ['shell characters', '$(x)`y`;*?"\'<>|&'],
  ['a leading dash', '-rf'],
  ['three dots', '...'],
  ['a colon', 'C:file'],
  ['240 bytes', 'n'.repeat(240)],
];

/** The contract of `SourceRepository`, member by member, for every kind of storage and every fake. */
export function describeSource(name: string, makeSource: () => Promise<SourceUnderTest>): void {
  describe(`source: ${name}`, () => {
    let made: SourceUnderTest;
    const source = (): SourceRepository => made.source;
    const put = (path: string, content: string) => made.target.put(path, text(content));
    beforeEach(async () => {
      made = await makeSource();
      return () => made.dispose();
    });

    it('says how large a file may be, and how much room there is', async () => {
      expect(source().limits.maxFileBytes).toBeGreaterThan(2 ** 40);
      const { totalBytes, freeBytes } = await source().capacity();
      expect(Number.isSafeInteger(totalBytes) && Number.isSafeInteger(freeBytes)).toBe(true);
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });

    it('reads a range, less than asked only at the end, and leaves the rest of the buffer', async () => {
      await put('file', '0123456789');
      await reading(await source().openRead('file'), async (file) => {
        expect(await readAt(file, 3, 4)).toBe('3456');
        expect(await readAt(file, 0, 10)).toBe('0123456789');
        expect(await readAt(file, 8, 4)).toBe('89xx');
        expect(await readAt(file, 10, 4)).toBe('xxxx');
        expect(await readAt(file, 1_000_000, 4)).toBe('xxxx');
      });
    });

    it('reads past the cache what is there, or says that it cannot', async () => {
      const content = Buffer.alloc(3 * PAGE_BYTES + 100, 'abcdefg');
      await made.target.put('file', content);
      // Its memory lies on a page.
      const page = takeRunBuffer().subarray(0, 2 * PAGE_BYTES);
      try {
        await reading(await source().openReadPastCache('file'), async (file) => {
          expect(await file.read(page, PAGE_BYTES)).toBe(2 * PAGE_BYTES);
          expect(page.equals(content.subarray(PAGE_BYTES, 3 * PAGE_BYTES))).toBe(true);
          expect(await file.read(page, 3 * PAGE_BYTES)).toBe(100);
        });
      } catch (error) {
        expect(error).toMatchObject({ code: 'REPOSITORY_UNSUITED' });
      }
      await expectOneOf(source().openReadPastCache('absent'), [
        'FILE_MISSING',
        'REPOSITORY_UNSUITED',
      ]);
    });

    it('lists files and folders of one folder with their stamps', async () => {
      await put('jobs/chain.json', '{}');
      await put('jobs/web/disk', 'deeper');
      const entries = await source().list('jobs');
      expect(entries.map(({ name: own, path, type }) => ({ own, path, type }))).toEqual([
        { own: 'chain.json', path: 'jobs/chain.json', type: 'file' },
        { own: 'web', path: 'jobs/web', type: 'folder' },
      ]);
      for (const entry of entries) expect(await source().stat(entry.path)).toEqual(entry);
      const oneByOne = [];
      for await (const entry of source().entries('jobs')) oneByOne.push(entry);
      expect(oneByOne).toEqual(entries);
      expect(entries[0]!.stamp.sizeBytes).toBe(2);
    });

    it('says of what is absent that it is, and where it was asked for', async () => {
      expect(await source().list('')).toEqual([]);
      await put('a/file', 'x');
      expect(await source().list('absent')).toEqual([]);
      expect(await source().list('absent/deeper')).toEqual([]);
      expect(await source().stat('absent')).toBeNull();
      expect(await source().stat('a/absent')).toBeNull();
      const opening = source().openRead('a/absent\n');
      await expect(opening).rejects.toMatchObject({ code: 'FILE_MISSING' });
      await expect(opening).rejects.toThrow(JSON.stringify(source().id));
      await expect(opening).rejects.toThrow('"a/absent\\n"');
    });

    it.each(ODD_NAMES)('keeps a name with %s as it is', async (_, odd) => {
      await put(`${odd}/${odd}`, 'content');
      expect((await readWholeFile(source(), `${odd}/${odd}`, 100))?.toString()).toBe('content');
      expect((await source().list('')).map((entry) => entry.name)).toEqual([odd]);
      expect((await source().list(odd)).map(({ path }) => path)).toEqual([`${odd}/${odd}`]);
      expect((await source().stat(`${odd}/${odd}`))?.name).toBe(odd);
    });

    it.each([['an empty path', ''] as const, ...BAD_PATHS])('refuses %s', async (_, path) => {
      await put('a/file', 'x');
      await expectCode(source().stat(path), 'PATH_FORBIDDEN');
      await expectCode(source().openRead(path), 'PATH_FORBIDDEN');
      await expectOneOf(source().openReadPastCache(path), [
        'PATH_FORBIDDEN',
        'REPOSITORY_UNSUITED',
      ]);
      if (path === '') return;
      await expectCode(source().list(path), 'PATH_FORBIDDEN');
      await expectCode(firstOf(source().entries(path)), 'PATH_FORBIDDEN');
    });

    it.each(BAD_PATHS)('writes nothing to %s', async (_, path) => {
      await put('a/file', 'x');
      const { target } = made;
      await target.makePlace('desk');
      const verbs = [
        () => target.put(path, text('x')),
        () => target.putNew(path, text('x')),
        () => target.putAll([{ path, bytes: text('x') }], 'desk', ''),
        () => target.openWork(path, '0'.repeat(32)),
        () => target.publish([{ from: 'a/file', to: path }], ''),
        () => target.move([{ from: 'a/file', to: path }], ''),
        () => target.patch(path, 0, text('y')),
        () => target.remove(path),
        () => target.removeAll(path),
      ];
      for (const verb of verbs) await expectCode(verb(), 'PATH_FORBIDDEN');
      expect((await readWholeFile(target, 'a/file', 10))?.toString()).toBe('x');
    });

    it('shows bytes that were patched, in a file that is as long as before', async () => {
      await put('file', '0123456789');
      await made.target.patch('file', 4, text('xyz'));
      expect((await readWholeFile(source(), 'file', 100))?.toString()).toBe('0123xyz789');
      await expectCode(made.target.patch('absent', 0, text('x')), 'FILE_MISSING');
      expect(await source().stat('absent')).toBeNull();
    });
  });
}

async function firstOf<T>(entries: AsyncIterable<T>): Promise<T | null> {
  for await (const entry of entries) return entry;
  return null;
}

async function reading(
  file: ReadableFile,
  use: (file: ReadableFile) => Promise<void>,
): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

async function readAt(file: ReadableFile, offset: number, length: number): Promise<string> {
  const target = Buffer.alloc(length, 'x');
  await file.read(target, offset);
  return target.toString();
}

async function expectOneOf(call: Promise<unknown>, codes: readonly string[]): Promise<void> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(codes).toContain((error as { code?: string } | null)?.code);
}
