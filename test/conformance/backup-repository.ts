import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/domain/errors.js';
import type {
  FolderRepository,
  RepositoryCapabilities,
  WritableFile,
} from '../../src/repository/backup-repository.js';
import { readWholeFile } from '../../src/repository/replace-file.js';

interface RepositoryUnderTest {
  /** Empty. */
  readonly repository: FolderRepository;
  dispose(): Promise<void>;
}

/** The contract of `FolderRepository`, for every adapter and every fake. What only a folder of this machine can show
 *  (links, unmounted shares, permissions) is in `directory-repository.ts`. */
export function describeBackupRepository(
  name: string,
  makeRepository: () => Promise<RepositoryUnderTest>,
  capabilities: RepositoryCapabilities,
): void {
  describe(`backup repository: ${name}`, () => {
    let underTest: RepositoryUnderTest;
    const repository = (): FolderRepository => underTest.repository;

    beforeEach(async () => {
      underTest = await makeRepository();
    });
    afterEach(() => underTest.dispose());

    it('declares its capabilities', () => {
      // Where it lies is no promise.
      expect({ ...repository().capabilities, place: undefined }).toEqual(capabilities);
    });

    describe('files', () => describeFiles(repository));
    describe('names', () => describeNames(repository));
    describe('folders', () => describeFolders(repository));
    describe('rename', () => describeRename(repository));
    describe('errors', () => describeErrors(repository));
  });
}

function describeFiles(repository: () => FolderRepository): void {
  it('reads a range, and less than asked only at the end of the file', async () => {
    await put(repository(), 'file', '0123456789');
    const file = await repository().openRead('file');
    try {
      expect(await readAt(file, 3, 4)).toBe('3456');
      expect(await readAt(file, 8, 4)).toBe('89');
      expect(await readAt(file, 10, 4)).toBe('');
      expect(await readAt(file, 1_000_000, 4)).toBe('');
    } finally {
      await file.close();
    }
  });

  it('keeps what lies behind the bytes read in the caller’s buffer', async () => {
    await put(repository(), 'file', 'ab');
    const file = await repository().openRead('file');
    const target = Buffer.from('xxxx');
    expect(await file.read(target, 0)).toBe(2);
    await file.close();
    expect(target.toString()).toBe('abxx');
  });

  it('writes whole parts of a larger buffer and leaves the buffer alone', async () => {
    const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'abcdefg');
    await write(repository(), 'file', (file) => file.write(large.subarray(5), 0));
    const content = await readWholeFile(repository(), 'file', large.length);
    expect(content?.equals(large.subarray(5))).toBe(true);
    expect(large.equals(Buffer.alloc(large.length, 'abcdefg'))).toBe(true);
  });

  it('overwrites bytes in the middle of a file', async () => {
    await put(repository(), 'file', '0123456789');
    await write(repository(), 'file', (file) => file.write(Buffer.from('xyz'), 4), 'existing');
    expect(await get(repository(), 'file')).toBe('0123xyz789');
  });

  it('reads a gap before written bytes as zeros, also beyond 4 GiB', async () => {
    const far = 5 * 1024 ** 3;
    await write(repository(), 'file', async (file) => {
      await file.write(Buffer.from('end'), far);
      const target = Buffer.alloc(8, 'x');
      expect(await file.read(target, far - 5)).toBe(8);
      expect(target).toEqual(Buffer.from('\0\0\0\0\0end'));
      expect((await file.stamp()).sizeBytes).toBe(far + 3);
    });
  });

  it('takes no room for ranges that were not written', async () => {
    const before = await repository().capacity();
    await write(repository(), 'file', (file) => file.truncate(before.totalBytes / 2));
    expect((await repository().stat('file'))?.stamp.sizeBytes).toBe(before.totalBytes / 2);
    const { freeBytes } = await repository().capacity();
    expect(before.freeBytes - freeBytes).toBeLessThan(before.totalBytes / 4);
  });

  it('cuts and enlarges a file, and never shows the bytes that were cut', async () => {
    await put(repository(), 'file', '0123456789');
    await write(
      repository(),
      'file',
      async (file) => {
        await file.truncate(4);
        await file.truncate(8);
      },
      'existing',
    );
    expect(await get(repository(), 'file')).toBe('0123\0\0\0\0');
  });

  it('creates a new file only when there is none', async () => {
    await put(repository(), 'file', 'old');
    await expectCode(repository().openWrite('file', 'new'), 'FILE_EXISTS');
    expect(await get(repository(), 'file')).toBe('old');
  });

  it('opens or creates a file and keeps its content', async () => {
    const keep = async () => undefined;
    await write(repository(), 'file', keep, 'open-or-new');
    expect(await get(repository(), 'file')).toBe('');
    await put(repository(), 'other', 'old');
    await write(repository(), 'other', keep, 'open-or-new');
    expect(await get(repository(), 'other')).toBe('old');
  });

  it('gives equal stamps while a file is not touched and another one after it was', async () => {
    await put(repository(), 'file', 'one');
    const file = await repository().openWrite('file', 'existing');
    const before = await file.stamp();
    expect(await file.stamp()).toEqual(before);
    expect((await repository().stat('file'))?.stamp).toEqual(before);
    await file.write(Buffer.from('two!'), 0);
    const after = await file.stamp();
    await file.close();
    expect(after).toEqual({
      ...before,
      sizeBytes: 4,
      modifiedAtNs: after.modifiedAtNs,
      changedAtNs: after.changedAtNs,
    });
    expect(after).not.toEqual(before);
    for (const number of [after.modifiedAtNs, after.changedAtNs, after.inode])
      expect(number).toMatch(/^[1-9][0-9]*$/);
  });
}

function describeNames(repository: () => FolderRepository): void {
  it.each([
    ['spaces', ' a  b '],
    ['a percent sign', '100%25%2e%2e'],
    ['letters of other scripts', 'резервная-копия-バックアップ-💾'],
    ['a composed letter', 'caf\u00e9'],
    ['a decomposed letter', 'cafe\u0301'],
    ['control characters', 'a\nb\tc\u0007'],
    ['shell characters', '$(x)`y`;*?"\'<>|&'],
    ['a leading dash', '-rf'],
    ['a leading dot', '...'],
    ['a colon', 'C:file'],
    ['255 bytes', 'n'.repeat(255)],
    ['255 bytes of UTF-8', 'é'.repeat(127) + 'n'],
  ])('keeps a name with %s as it is', async (_, name) => {
    await repository().makeFolder(name);
    await put(repository(), `${name}/${name}`, 'content');
    expect(await get(repository(), `${name}/${name}`)).toBe('content');
    expect((await repository().list('')).map((entry) => entry.name)).toEqual([name]);
    expect((await repository().list(name)).map((entry) => entry.path)).toEqual([`${name}/${name}`]);
  });

  it('keeps paths far longer than 4,096 bytes', async () => {
    const folder = Array.from({ length: 24 }, () => 'd'.repeat(200)).join('/');
    await repository().makeFolder(folder);
    await put(repository(), `${folder}/file`, 'deep');
    expect(await get(repository(), `${folder}/file`)).toBe('deep');
  });

  it.each([
    ['an empty path', ''],
    ['an absolute path', '/etc/passwd'],
    ['the parent folder', '..'],
    ['a way out at the start', '../outside'],
    ['a way out in the middle', 'a/../../outside'],
    ['a way out at the end', 'a/..'],
    ['the folder itself', 'a/./b'],
    ['an empty part', 'a//b'],
    ['a slash at the end', 'a/'],
    ['a backslash', 'a\\..\\b'],
    ['a NUL character', 'a\0b'],
    ['a name of 256 bytes', 'n'.repeat(256)],
    ['a short name of 256 bytes of UTF-8', 'é'.repeat(128)],
    ['half a character', 'a\ud800'],
  ])('refuses %s in every call', async (_, path) => {
    await repository().makeFolder('a');
    await put(repository(), 'file', 'content');
    const calls = [
      () => repository().stat(path),
      () => repository().openRead(path),
      () => repository().openWrite(path, 'open-or-new'),
      () => repository().rename(path, 'b'),
      () => repository().rename('file', path),
      () => repository().unlink(path),
      () => repository().removeFolder(path),
    ];
    for (const call of calls) await expectCode(call(), 'PATH_FORBIDDEN');
    if (path === '') return;
    await expectCode(repository().list(path), 'PATH_FORBIDDEN');
    await expectCode(repository().makeFolder(path), 'PATH_FORBIDDEN');
    await expectCode(repository().syncFolder(path), 'PATH_FORBIDDEN');
    expect((await repository().list('')).map(({ name }) => name).sort()).toEqual(['a', 'file']);
  });
}

function describeFolders(repository: () => FolderRepository): void {
  it('lists files and folders of one folder with their stamps', async () => {
    await repository().makeFolder('jobs/web');
    await put(repository(), 'jobs/chain.json', '{}');
    await put(repository(), 'jobs/web/disk', 'deeper');
    const entries = await repository().list('jobs');
    expect(entries.map(({ name, path, type }) => ({ name, path, type })).sort(byName)).toEqual([
      { name: 'chain.json', path: 'jobs/chain.json', type: 'file' },
      { name: 'web', path: 'jobs/web', type: 'folder' },
    ]);
    for (const entry of entries) expect(await repository().stat(entry.path)).toEqual(entry);
  });

  it('lists every one of many entries', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `file-${index}`);
    for (const name of names) await put(repository(), name, name);
    const entries = await repository().list('');
    expect(entries.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { name, stamp } of entries) expect(stamp.sizeBytes).toBe(name.length);
  });

  it('lists an absent folder as empty and an empty root as empty', async () => {
    expect(await repository().list('')).toEqual([]);
    expect(await repository().list('absent')).toEqual([]);
    expect(await repository().list('absent/deeper')).toEqual([]);
  });

  it('answers null for an absent file, also in an absent folder', async () => {
    expect(await repository().stat('absent')).toBeNull();
    expect(await repository().stat('absent/file')).toBeNull();
    expect(await readWholeFile(repository(), 'absent', 10)).toBeNull();
    expect(await readWholeFile(repository(), 'absent/file', 10)).toBeNull();
  });

  it('makes a folder with its parents, again and again', async () => {
    await repository().makeFolder('a/b/c');
    await put(repository(), 'a/b/c/file', 'kept');
    await repository().makeFolder('a/b/c');
    await repository().makeFolder('');
    expect(await get(repository(), 'a/b/c/file')).toBe('kept');
    expect((await repository().stat('a/b'))?.type).toBe('folder');
  });

  it('removes a file and an empty folder', async () => {
    await repository().makeFolder('a/b');
    await put(repository(), 'a/file', 'x');
    await repository().unlink('a/file');
    await repository().removeFolder('a/b');
    expect(await repository().list('a')).toEqual([]);
  });

  it('syncs the root, a folder and a file', async () => {
    await repository().makeFolder('a/b');
    await write(repository(), 'a/file', async (file) => {
      await file.write(Buffer.from('x'), 0);
      await file.sync();
      await file.sync();
    });
    await repository().syncFolder('');
    await repository().syncFolder('a');
    await repository().syncFolder('a/b');
    expect(await get(repository(), 'a/file')).toBe('x');
  });

  it('tells how much room there is', async () => {
    const { totalBytes, freeBytes } = await repository().capacity();
    expect(Number.isSafeInteger(totalBytes) && Number.isSafeInteger(freeBytes)).toBe(true);
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });
}

function describeRename(repository: () => FolderRepository): void {
  it('shows a concurrent reader the old file or the new one, whole', async () => {
    const contents = Array.from({ length: 40 }, (_, index) =>
      Buffer.alloc(1 + ((index * 7919) % 20_000), 65 + (index % 26)),
    );
    await repository().put('record', contents[0] ?? Buffer.alloc(0));
    let isWriting = true;
    const writer = async () => {
      for (const content of contents) await repository().put('record', content);
      isWriting = false;
    };
    const seen: Buffer[] = [];
    const reader = async () => {
      while (isWriting) {
        seen.push((await readWholeFile(repository(), 'record', 1_000_000)) ?? Buffer.alloc(0));
        await new Promise(setImmediate);
      }
    };
    await Promise.all([writer(), reader()]);
    expect(seen.length).toBeGreaterThan(0);
    const torn = seen.filter((content) => !contents.some((whole) => whole.equals(content)));
    expect(torn).toEqual([]);
  });

  it('keeps an open file readable when another one takes its name', async () => {
    await put(repository(), 'file', 'old');
    await put(repository(), 'next', 'new content');
    const file = await repository().openRead('file');
    const before = await file.stamp();
    await repository().rename('next', 'file');
    expect(await readAt(file, 0, 20)).toBe('old');
    const after = await file.stamp();
    await file.close();
    expect(after.inode).toBe(before.inode);
    expect((await repository().stat('file'))?.stamp.inode).not.toBe(before.inode);
    expect(await get(repository(), 'file')).toBe('new content');
    expect(await repository().stat('next')).toBeNull();
  });

  it('moves a file to another folder and a folder with all it holds', async () => {
    await repository().makeFolder('a/b');
    await repository().makeFolder('c');
    await put(repository(), 'a/b/file', 'moved');
    await repository().rename('a/b', 'c/d');
    expect(await get(repository(), 'c/d/file')).toBe('moved');
    expect(await repository().list('a')).toEqual([]);
    await repository().rename('c/d/file', 'a/file');
    expect(await get(repository(), 'a/file')).toBe('moved');
    expect(await repository().list('c/d')).toEqual([]);
  });

  it('changes nothing when a file is renamed to its own name', async () => {
    await put(repository(), 'file', 'same');
    await repository().rename('file', 'file');
    expect(await get(repository(), 'file')).toBe('same');
  });
}

function describeErrors(repository: () => FolderRepository): void {
  beforeEach(async () => {
    await repository().makeFolder('full/inner');
    await put(repository(), 'file', 'x');
  });

  it.each<[string, ErrorCode, (it: FolderRepository) => Promise<unknown>]>([
    ['reads an absent file', 'FILE_MISSING', (it) => it.openRead('absent')],
    ['reads in an absent folder', 'FILE_MISSING', (it) => it.openRead('absent/file')],
    [
      'opens an absent file for writing',
      'FILE_MISSING',
      (it) => it.openWrite('absent', 'existing'),
    ],
    ['creates in an absent folder', 'FILE_MISSING', (it) => it.openWrite('absent/file', 'new')],
    ['renames an absent file', 'FILE_MISSING', (it) => it.rename('absent', 'b')],
    ['renames into an absent folder', 'FILE_MISSING', (it) => it.rename('file', 'absent/b')],
    ['removes an absent file', 'FILE_MISSING', (it) => it.unlink('absent')],
    ['removes an absent folder', 'FILE_MISSING', (it) => it.removeFolder('absent')],
    ['syncs an absent folder', 'FILE_MISSING', (it) => it.syncFolder('absent')],
    ['removes a folder that is not empty', 'FOLDER_NOT_EMPTY', (it) => it.removeFolder('full')],
    ['reads a folder', 'PATH_FORBIDDEN', (it) => it.openRead('full')],
    ['writes a folder', 'PATH_FORBIDDEN', (it) => it.openWrite('full', 'existing')],
    ['removes a folder as a file', 'PATH_FORBIDDEN', (it) => it.unlink('full')],
    ['removes a file as a folder', 'PATH_FORBIDDEN', (it) => it.removeFolder('file')],
    ['lists a file', 'PATH_FORBIDDEN', (it) => it.list('file')],
    ['looks below a file', 'PATH_FORBIDDEN', (it) => it.stat('file/below')],
    ['makes a folder below a file', 'PATH_FORBIDDEN', (it) => it.makeFolder('file/below')],
    ['makes a folder in place of a file', 'PATH_FORBIDDEN', (it) => it.makeFolder('file')],
    ['renames a file to a folder’s name', 'PATH_FORBIDDEN', (it) => it.rename('file', 'full')],
    ['renames a folder to a file’s name', 'PATH_FORBIDDEN', (it) => it.rename('full', 'file')],
    ['moves a folder into itself', 'PATH_FORBIDDEN', (it) => it.rename('full', 'full/inner/x')],
  ])('a caller that %s gets %s', async (_, code, call) => {
    await expectCode(call(repository()), code);
    expect(await get(repository(), 'file')).toBe('x');
    expect((await repository().list('full')).map(({ name }) => name)).toEqual(['inner']);
  });

  it('says in the message which repository and which path', async () => {
    const call = repository().openRead('full/absent\n');
    await expect(call).rejects.toThrow(JSON.stringify(repository().id));
    await expect(repository().openRead('full/absent\n')).rejects.toThrow('"full/absent\\n"');
  });
}

export async function expectCode(call: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'BackupError', code });
}

/** Writes a file whole, without syncing it. */
export async function put(repository: FolderRepository, path: string, text: string): Promise<void> {
  await write(repository, path, (file) => file.write(Buffer.from(text), 0));
}

export async function get(repository: FolderRepository, path: string): Promise<string | null> {
  return (await readWholeFile(repository, path, 2 ** 30))?.toString() ?? null;
}

async function write(
  repository: FolderRepository,
  path: string,
  action: (file: WritableFile) => Promise<void>,
  create: 'new' | 'open-or-new' | 'existing' = 'new',
): Promise<void> {
  const file = await repository.openWrite(path, create);
  try {
    await action(file);
  } finally {
    await file.close();
  }
}

async function readAt(
  file: { read(target: Uint8Array, offset: number): Promise<number> },
  offset: number,
  lengthBytes: number,
): Promise<string> {
  const target = Buffer.alloc(lengthBytes);
  return target.subarray(0, await file.read(target, offset)).toString();
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
