import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  BackupRepository,
  ReadableFile,
  SourceRepository,
  WorkFile,
} from '../../src/repository/backup-repository.js';
import { readWholeFile } from '../../src/repository/replace-file.js';
import { expectCode } from './backup-repository.js';

interface VerbsUnderTest {
  /** Empty. */
  readonly repository: BackupRepository;
  dispose(): Promise<void>;
}

/** The verbs of the contract, member by member, for every kind of storage and every fake. */
export function describeStorageVerbs(
  name: string,
  makeRepository: () => Promise<VerbsUnderTest>,
): void {
  describe(`storage verbs: ${name}`, () => {
    let underTest: VerbsUnderTest;
    const repository = (): BackupRepository => underTest.repository;

    beforeEach(async () => {
      underTest = await makeRepository();
    });
    afterEach(() => underTest.dispose());

    describe('openRead', () => describeRead(repository));
    describe('put', () => describePut(repository));
    describe('putAll', () => describePutAll(repository));
    describe('work and publish', () => describeWork(repository));
    describe('remove', () => describeRemove(repository));
    describe('move', () => describeMove(repository));
    describe('link', () => describeLink(repository));
    describe('entries', () => describeEntries(repository));
    describe('openUpdate', () => describeUpdate(repository));
  });
}

type Of = () => BackupRepository;

const text = (content: string): Buffer => Buffer.from(content);

async function get(repository: SourceRepository, path: string): Promise<string | null> {
  return (await readWholeFile(repository, path, 1_000_000))?.toString() ?? null;
}

async function pathsBelow(repository: SourceRepository, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { type, path } of repository.entries(folder))
    if (type === 'folder') paths.push(...(await pathsBelow(repository, path)));
    else paths.push(path);
  return paths;
}

/** Bytes of the version that was opened, or the error that says that there is none any more. */
async function readOrWhy(file: ReadableFile, offset: number, length: number): Promise<string> {
  const target = Buffer.alloc(length);
  try {
    return target.toString('utf8', 0, await file.read(target, offset));
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function describeRead(repository: Of): void {
  it('reads the version that was opened or none, whatever has taken its name', async () => {
    await repository().put('file', text('old, and long'));
    const file = await repository().openRead('file');
    const { stamp } = (await repository().stat('file'))!;
    expect(await file.stamp()).toEqual(stamp);
    const first = await readOrWhy(file, 0, 4);
    await repository().put('file', text('NEW: AND LONGER THAN THE OLD'));
    const second = await readOrWhy(file, 4, 100);
    const opened = await file.stamp();
    await file.close();
    expect(first).toBe('old,');
    expect([' and long', 'SOURCE_CHANGED']).toContain(second);
    // Whoever looks at the name finds another one.
    expect((await repository().stat('file'))?.stamp).not.toEqual(opened);
    expect(await get(repository(), 'file')).toBe('NEW: AND LONGER THAN THE OLD');
  });

  it('reads of a file that was removed what was opened, or that it is gone', async () => {
    await repository().put('file', text('content'));
    const file = await repository().openRead('file');
    await repository().remove('file');
    const found = await readOrWhy(file, 0, 100);
    await file.close();
    expect(['content', 'FILE_MISSING']).toContain(found);
    expect(await get(repository(), 'file')).toBeNull();
  });

  it('reads a small file whole in one of its versions, although it is replaced between any two calls', async () => {
    const contents = ['one', 'a second one, which is longer', ''];
    await repository().put('file', text(contents[0]!));
    let puts = 0;
    const isTurned: SourceRepository = {
      ...sourceOf(repository()),
      openRead: async (path) => {
        const file = await repository().openRead(path);
        // The version that was opened is gone before it is read; the third time nobody writes.
        if (puts < 2) await repository().put('file', text(contents[++puts]!));
        return file;
      },
    };
    const found = await readWholeFile(isTurned, 'file', 1_000);
    expect(contents).toContain(found?.toString());
  });
}

function sourceOf(repository: SourceRepository): SourceRepository {
  return {
    ...{ id: repository.id, capabilities: repository.capabilities, limits: repository.limits },
    list: (folder) => repository.list(folder),
    entries: (folder, after) => repository.entries(folder, after),
    stat: (path) => repository.stat(path),
    openRead: (path) => repository.openRead(path),
    openReadPastCache: (path) => repository.openReadPastCache(path),
    capacity: () => repository.capacity(),
  };
}

function describePut(repository: Of): void {
  it('makes the folders of a file, replaces it, and leaves nothing else', async () => {
    await repository().put('job/web/chain.json', text('one'));
    await repository().put('job/web/chain.json', text('longer than one'));
    await repository().put('job/web/chain.json', text('3'));
    expect(await get(repository(), 'job/web/chain.json')).toBe('3');
    expect(await pathsBelow(repository(), '')).toEqual(['job/web/chain.json']);
  });

  it.each([
    ['255 bytes', 'n'.repeat(255)],
    ['255 bytes of UTF-8', `${'é'.repeat(127)}n`],
  ])('puts and replaces a file with a name of %s', async (_, name) => {
    await repository().put(`job/${name}`, text('one'));
    await repository().put(`job/${name}`, text('two'));
    await repository().put(`job/shared/${name}`, text('three'), { isShared: true });
    expect(await get(repository(), `job/${name}`)).toBe('two');
    expect(await get(repository(), `job/shared/${name}`)).toBe('three');
    expect(await pathsBelow(repository(), '')).toHaveLength(2);
  });

  it('puts an empty file', async () => {
    await repository().put('empty', text(''));
    expect((await repository().stat('empty'))?.stamp.sizeBytes).toBe(0);
  });

  it('refuses when another file is there than was expected, and changes nothing', async () => {
    await repository().put('file', text('one'));
    const before = (await repository().stat('file'))!.stamp;
    await repository().put('file', text('two'), { expected: before });
    const call = repository().put('file', text('three'), { expected: before });
    await expectCode(call, 'WRITE_CONFLICT');
    await expectCode(repository().put('file', text('four'), { expected: null }), 'WRITE_CONFLICT');
    await expectCode(repository().put('none', text('x'), { expected: before }), 'WRITE_CONFLICT');
    expect(await get(repository(), 'file')).toBe('two');
    expect(await repository().stat('none')).toBeNull();
  });

  it('puts where nothing is when nothing is expected', async () => {
    await repository().put('folder/file', text('first'), { expected: null });
    expect(await get(repository(), 'folder/file')).toBe('first');
  });

  it('shows one of those who share a file, whole', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(1 + index * 999));
    await Promise.all(
      contents.map((content) => repository().put('f/shared', text(content), { isShared: true })),
    );
    expect(contents).toContain(await get(repository(), 'f/shared'));
    expect(await pathsBelow(repository(), '')).toEqual(['f/shared']);
  });

  it('lets one of several take a new name', async () => {
    const contents = ['a', 'b', 'c', 'd'];
    const taken = await Promise.all(
      contents.map((content) => repository().putNew('own/marker', text(content))),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await get(repository(), 'own/marker')).toBe(contents[taken.indexOf(true)]);
    expect(await repository().putNew('own/marker', text('late'))).toBe(false);
  });

  it('can be settled by who finds it', async () => {
    await repository().putNew('own/marker', text('x'));
    await repository().settle(['own/marker', 'own', '']);
    expect(await get(repository(), 'own/marker')).toBe('x');
  });
}

function describePutAll(repository: Of): void {
  it.each([1, 3, 40])('puts %i files in folders old and new, and replaces', async (count) => {
    await repository().put('tree/0/file', text('old'));
    await repository().makePlace('.staging/desk');
    const files = Array.from({ length: count }, (_, index) => ({
      path: `tree/${index % 7}/file${index < 7 ? '' : index}`,
      bytes: text(`content ${index}`),
    }));
    for (let time = 0; time < 2; time++) {
      await repository().putAll(files, '.staging/desk', 'tree');
      for (const { path, bytes } of files)
        expect(await get(repository(), path)).toBe(bytes.toString());
    }
    expect(await pathsBelow(repository(), '.staging')).toEqual([]);
    expect(await pathsBelow(repository(), 'tree')).toHaveLength(count);
  });

  it('gives times where the storage keeps them', async () => {
    if (repository().setFileTraits === undefined) return;
    await repository().makePlace('desk');
    const traits = { modifiedAtNs: '1600000000000000000' };
    await repository().putAll([{ path: 'a', bytes: text('x'), traits }], 'desk', '');
    expect((await repository().stat('a'))?.stamp.modifiedAtNs).toBe(traits.modifiedAtNs);
  });
}

function describeLink(repository: Of): void {
  it('gives files further names, in folders old and new', async () => {
    const { link } = repository();
    if (link === null) return;
    await repository().put('a/one', text('one'));
    await repository().put('a/two', text('two'));
    const links = [
      { from: 'a/one', to: 'a/first' },
      { from: 'a/two', to: 'b/c/second' },
      { from: 'a/one', to: 'b/c/third' },
    ];
    // Twice, as after a stop.
    await link.call(repository(), links, '');
    await link.call(repository(), links, '');
    expect(await get(repository(), 'a/first')).toBe('one');
    const inodeOf = async (path: string) => (await repository().stat(path))!.stamp.inode;
    for (const { from, to } of links) expect(await inodeOf(to)).toBe(await inodeOf(from));
    // What is put under one name leaves the others alone.
    await repository().put('a/one', text('new'));
    expect(await get(repository(), 'b/c/third')).toBe('one');
    await repository().remove('a/first');
    expect(await get(repository(), 'b/c/third')).toBe('one');
  });

  it('takes a name from another file, and finds no file that is not there', async () => {
    const { link } = repository();
    if (link === null) return;
    await repository().put('one', text('one'));
    await repository().put('two', text('two'));
    await link.call(repository(), [{ from: 'one', to: 'two' }], '');
    expect(await get(repository(), 'two')).toBe('one');
    await expectCode(link.call(repository(), [{ from: 'none', to: 'x' }], ''), 'FILE_MISSING');
    expect(await repository().stat('x')).toBeNull();
  });
}

async function withWork<T>(
  repository: BackupRepository,
  path: string,
  action: (file: WorkFile) => Promise<T>,
  open?: 'existing',
): Promise<T> {
  const file = await repository.openWork(path, TOKEN, open);
  try {
    return await action(file);
  } finally {
    await file.close();
  }
}

const TOKEN = '0123456789abcdef0123456789abcdef';

function describeWork(repository: Of): void {
  beforeEach(() => repository().makePlace('chain/.staging/p/point'));
  const work = 'chain/.staging/p/point/disk.qcow2';
  const moves = [{ from: work, to: 'chain/p/disk.qcow2' }];

  it('keeps what several hands wrote in any order, with zeros between', async () => {
    await withWork(repository(), work, async (file) => {
      await file.write(text('tail'), 30);
      await file.sync();
    });
    await withWork(repository(), work, async (file) => {
      await file.write(text('head'), 0);
      await file.write(text('middle'), 10);
      await file.flush();
    });
    await withWork(
      repository(),
      work,
      async (file) => {
        const found = Buffer.alloc(40, 'x');
        expect(await file.read(found, 0)).toBe(34);
        expect(found.toString()).toBe(`head${'\0'.repeat(6)}middle${'\0'.repeat(14)}tailxxxxxx`);
        expect((await file.stamp()).sizeBytes).toBe(34);
      },
      'existing',
    );
  });

  it('reads at once what the same hand wrote, and cuts and enlarges', async () => {
    await withWork(repository(), work, async (file) => {
      await file.write(text('0123456789'), 0);
      await file.truncate(4);
      await file.write(text('ab'), 6);
      await file.truncate(10);
      const found = Buffer.alloc(12, 'x');
      expect(found.subarray(0, await file.read(found, 0)).toString()).toBe('0123\0\0ab\0\0');
      await file.sync();
    });
    await repository().publish(moves, 'chain');
    expect(await get(repository(), 'chain/p/disk.qcow2')).toBe('0123\0\0ab\0\0');
  });

  it('finds no work that was not begun', async () => {
    await expectCode(repository().openWork(work, TOKEN, 'existing'), 'FILE_MISSING');
  });

  it('shows a file under its name when it is published, and no work any more', async () => {
    await withWork(repository(), work, async (file) => {
      await file.write(text('whole'), 0);
      await file.sync();
    });
    expect(await repository().stat('chain/p/disk.qcow2')).toBeNull();
    await repository().publish(moves, 'chain');
    expect(await get(repository(), 'chain/p/disk.qcow2')).toBe('whole');
    await expectCode(repository().openWork(work, TOKEN, 'existing'), 'FILE_MISSING');
    expect(await pathsBelow(repository(), '')).toEqual(['chain/p/disk.qcow2']);
  });

  it('keeps what is published when it is published again, also when someone began the work anew', async () => {
    await withWork(repository(), work, async (file) => {
      await file.write(text('whole'), 0);
      await file.sync();
    });
    await repository().publish(moves, 'chain');
    await repository().publish(moves, 'chain');
    await withWork(repository(), work, (file) => file.sync());
    await repository().publish(moves, 'chain');
    expect(await get(repository(), 'chain/p/disk.qcow2')).toBe('whole');
    expect(await pathsBelow(repository(), '')).toEqual(['chain/p/disk.qcow2']);
  });

  it('publishes nothing that is not there', async () => {
    await expectCode(repository().publish(moves, 'chain'), 'FILE_MISSING');
  });

  it('publishes a file of which nothing was written but its size', async () => {
    await withWork(repository(), work, async (file) => {
      await file.truncate(70_000);
      await file.sync();
    });
    await repository().publish(moves, 'chain');
    const content = await readWholeFile(repository(), 'chain/p/disk.qcow2', 100_000);
    expect(content?.equals(Buffer.alloc(70_000))).toBe(true);
  });
}

function describeRemove(repository: Of): void {
  it('removes files, and is content with absent ones', async () => {
    await repository().put('a/one', text('1'));
    await repository().put('a/two', text('2'));
    await repository().remove('a/one', 'a/two', 'a/three', 'absent/file');
    expect(await pathsBelow(repository(), '')).toEqual([]);
  });

  it('removes a folder with all it holds, and is content with an absent one', async () => {
    await repository().put('a/one', text('1'));
    await repository().put('a/b/c/two', text('2'));
    await repository().put('ab/three', text('3'));
    await repository().removeAll('a');
    await repository().removeAll('a');
    expect(await repository().stat('a')).toBeNull();
    expect(await repository().stat('a/b/c/two')).toBeNull();
    expect(await pathsBelow(repository(), '')).toEqual(['ab/three']);
  });
}

function describeMove(repository: Of): void {
  it('moves files over others and folders with all they hold, again and again', async () => {
    await repository().put('chain/p/disk', text('point'));
    await repository().put('chain/p/config/vm.xml', text('vm'));
    await repository().put('chain/new', text('new'));
    await repository().put('chain/old', text('old'));
    const moves = [
      { from: 'chain/p', to: 'chain/.quarantine/p-corrupt-3' },
      { from: 'chain/new', to: 'chain/old' },
    ];
    for (let time = 0; time < 2; time++) {
      await repository().move(moves, 'chain');
      expect(await pathsBelow(repository(), '')).toEqual([
        'chain/.quarantine/p-corrupt-3/config/vm.xml',
        'chain/.quarantine/p-corrupt-3/disk',
        'chain/old',
      ]);
      expect(await get(repository(), 'chain/old')).toBe('new');
    }
    expect(await repository().stat('chain/p')).toBeNull();
  });
}

function describeEntries(repository: Of): void {
  it('gives the entries of a folder in the order of their whole paths, from any place on', async () => {
    // A folder sorts as its name with a slash; bytes of UTF-8, in which U+FF5E stands before U+1F4BE.
    const files = ['a-b', 'a/x', 'a0', 'B', 'a.b', '～', '💾', 'é'];
    for (const path of files) await repository().put(path, text(path));
    const inOrder = ['B', 'a-b', 'a.b', 'a', 'a0', 'é', '～', '💾'];
    const names = async (after?: string) => {
      const found: string[] = [];
      for await (const { name } of repository().entries('', after)) found.push(name);
      return found;
    };
    expect(await names()).toEqual(inOrder);
    expect((await repository().list('')).map(({ name }) => name)).toEqual(inOrder);
    expect(await names('a.b')).toEqual(inOrder.slice(3));
    expect(await names('a/')).toEqual(inOrder.slice(4));
    expect(await names('💾')).toEqual([]);
  });

  it('gives of each what stat gives, and of an absent folder nothing', async () => {
    await repository().put('f/file', text('content'));
    await repository().put('f/deeper/file', text('x'));
    for await (const entry of repository().entries('f'))
      expect(entry).toEqual(await repository().stat(entry.path));
    for await (const entry of repository().entries('absent')) expect(entry).toBeNull();
  });
}

function describeUpdate(repository: Of): void {
  it('overwrites bytes of a file in its place, where the storage can', async () => {
    await repository().put('file', text('0123456789'));
    const { openUpdate } = repository();
    if (openUpdate === null) return;
    const file = await openUpdate.call(repository(), 'file');
    await file.write(text('xyz'), 4);
    await file.sync();
    await file.close();
    expect(await get(repository(), 'file')).toBe('0123xyz789');
  });
}
