import { onTestFinished, describe, expect, it } from 'vitest';
import { sourceFacts } from '../../../../src/domain/safety/find-facts.js';
import type { SourceWorkload } from '../../../../src/domain/sources/source-workload.js';
import { unseenReason, type UnseenPart } from '../../../../src/domain/sources/unseen-part.js';
import type { BackupLayout, Claim, FolderNames } from '../../../../src/layout/backup-layout.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { TREE_LAYOUTS } from '../../../../src/layout/tree-layouts.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { parseXml } from '../../../../src/layout/xml-file.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { makeLayoutKnown } from '../../../support/layout/known-layout.js';
import { treeOf } from '../../../support/layout/tree.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { wholeLayout } from '../../../support/layout/whole-layout.js';

const DEEP = `${'<a>'.repeat(150)}${'</a>'.repeat(150)}`;
/** Well-formed by the letter of XML 1.0, and refused by the parser with a plain Error. */
const CRAFTED = [
  ['an element called constructor', '<Envelope><constructor/></Envelope>'],
  ['an element called __proto__', '<Envelope><__proto__/></Envelope>'],
  ['150 elements within each other', `<Envelope>${DEEP}</Envelope>`],
] as const;

interface Look {
  readonly workloads: readonly SourceWorkload[];
  readonly unseen: readonly UnseenPart[];
}

async function lookAt(repository: BackupRepository): Promise<Look> {
  const unseen: UnseenPart[] = [];
  const workloads = await scanRepository(repository, { onUnseen: (part) => unseen.push(part) });
  return { workloads, unseen };
}

const idsOf = ({ workloads }: Look): string[] => workloads.map(({ id }) => id);

function makeTreeKnown(layout: TreeLayout): void {
  const rows = TREE_LAYOUTS as TreeLayout[];
  rows.unshift(layout);
  onTestFinished(() => {
    rows.splice(rows.indexOf(layout), 1);
  });
}

const tree = (over: Partial<TreeLayout>): TreeLayout => ({
  ...TREE_LAYOUTS[0]!,
  name: 'odd',
  claim: ({ files }) => (files.includes('odd') ? { files: ['odd'] } : null),
  ...over,
});

function claimOf(files: readonly string[], name: string): Claim | null {
  return files.includes(name) ? { files: [name] } : null;
}

function claimFolders(folders: readonly string[], wanted: readonly string[]): Claim | null {
  const own = folders.filter((name) => wanted.includes(name));
  return own.length === 0 ? null : { files: [], folders: own };
}

describe('a file whose content the code is not made for', () => {
  it.each(CRAFTED)('is a broken backup and nothing more: %s in a descriptor', async (_, text) => {
    const { repository } = await treeOf({ 'web/web.ovf': text, 'zz/db.img': 1024 });
    const { workloads, unseen } = await lookAt(repository);
    expect(unseen).toEqual([]);
    expect(workloads.map(({ id, restorePoints: [point] }) => [id, point?.state])).toEqual([
      ['ovf-web:web', 'broken'],
      ['raw-zz:db.img', 'complete'],
    ]);
    expect(workloads[0]!.restorePoints[0]!.reason).toMatch(
      /^web\/web\.ovf is XML that is not read/,
    );
  });

  it.each(CRAFTED)('is no document where it is a text: %s', (_, text) => {
    expect(parseXml(text)).toBeNull();
  });

  it('is named with its folder when its layout fails over it, and takes nothing from the others', async () => {
    const failing = { ...wholeLayout, scan: () => Promise.reject(new TypeError('x of undefined')) };
    makeLayoutKnown(failing);
    const { repository } = await treeOf({ 'bad/web.whole': 512, 'zz/db.img': 1024 });
    const look = await lookAt(repository);
    expect(idsOf(look)).toEqual(['raw-zz:db.img']);
    expect(look.unseen).toMatchObject([{ path: 'bad', code: 'SOURCE_PART_UNREADABLE' }]);
    expect(unseenReason(look.unseen[0]!)).toMatch(
      /a BUG .*TypeError "x of undefined".*Whole machines in bad/,
    );
  });

  it.each<[string, Partial<TreeLayout>]>([
    ['looks whether it is its own', { confirm: () => Promise.reject(new RangeError('odd')) }],
    ['looks for its points', {}],
  ])('of a tree is named, too, when its layout %s', async (_, over) => {
    makeTreeKnown(tree({ ...over, scan: () => Promise.reject(new RangeError('odd')) }));
    const { repository } = await treeOf({ 'bad/odd': 512, 'zz/db.img': 1024 });
    const look = await lookAt(repository);
    expect(idsOf(look)).toEqual(['raw-zz:db.img']);
    expect(look.unseen.map(({ path, unread }) => [path, /BUG/.test(unread!.why)])).toEqual([
      ['bad', true],
    ]);
  });

  const failing = (): never => {
    throw new TypeError('x of undefined');
  };
  const failIn =
    (folder: string) =>
    (names: FolderNames): null =>
      names.folder === folder ? failing() : null;

  it.each([
    ['of trees', () => makeTreeKnown(tree({ claim: failIn('bad') }))],
    ['of images', () => makeLayoutKnown({ ...wholeLayout, claim: failIn('bad') })],
  ])('is named with its folder when a layout %s fails over its names', async (_, make) => {
    make();
    const { repository } = await treeOf({
      ...{ 'bad/odd': 512, 'bad/within/web.img': 1024, 'zz/db.img': 1024 },
    });
    const unrecognised: string[] = [];
    const unseen: UnseenPart[] = [];
    const workloads = await scanRepository(repository, {
      onUnseen: (part) => unseen.push(part),
      onUnrecognised: ({ folder }) => unrecognised.push(folder),
    });
    expect(workloads.map(({ id }) => id)).toEqual(['raw-bad:within:web.img', 'raw-zz:db.img']);
    expect(unseen.map(({ path, unread }) => [path, /BUG/.test(unread!.why)])).toEqual([
      ['bad', true],
    ]);
    expect(unrecognised).toEqual([]);
    await expect(scanWorkload(repository, 'raw-bad:web.img', ['bad'])).rejects.toThrow(TypeError);
  });

  it('is told once where several layouts cannot read it, with what each does not know', async () => {
    const scan: TreeLayout['scan'] = (reader, folder) =>
      reader.orTell(() => reader.read(`${folder}/odd`, 0, 1)).then(() => []);
    const titled = (title: string) => ({ ...TREE_LAYOUTS[0]!.type, title });
    makeTreeKnown(tree({ scan, confirm: undefined, type: titled('Odd ones') }));
    const other = { name: 'more', claim: ({ files }: FolderNames) => claimOf(files, 'more') };
    makeTreeKnown(tree({ ...other, scan, confirm: undefined, type: titled('More of them') }));
    const { repository } = await treeOf({ 'bad/odd': 512, 'bad/more': 512, 'zz/db.img': 1024 });
    repository.openRead = (path) => Promise.reject(denied(path));
    const { unseen } = await lookAt(repository);
    expect(unseen.map(({ path, unread }) => [path, unread!.what])).toEqual([
      ['bad/odd', 'More of them in bad and of Odd ones in bad'],
    ]);
  });

  it.each([
    ['fails over its names', { claim: failIn('bad') }],
    ['fails over its content', { scan: () => Promise.reject(new TypeError('x of undefined')) }],
  ])('holds up no tree beside it when a layout of images %s, and each machine', async (_, over) => {
    makeLayoutKnown({ ...wholeLayout, ...over });
    const found = { id: 'odd-bad', name: 'odd', root: 'bad', within: ['odd'], points: [] };
    makeTreeKnown(tree({ scan: () => Promise.resolve([found]) }));
    const { repository } = await treeOf({ 'bad/odd': 512, 'bad/web.whole': 512 });
    expect(idsOf(await lookAt(repository))).toEqual(['odd-bad']);
    expect(await scanWorkload(repository, 'odd-bad', ['bad'])).toMatchObject({ id: 'odd-bad' });
    await expect(scanWorkload(repository, 'whole-web', ['bad'])).rejects.toThrow(TypeError);
  });

  it('keeps no raw disk beside it from being listed when the code fails over an image', async () => {
    const { repository } = await treeOf({ 'bad/web.img': 1024, 'bad/db.qcow2': 1024 });
    const openRead = repository.openRead.bind(repository);
    repository.openRead = (path) => (path === 'bad/db.qcow2' ? failing() : openRead(path));
    const look = await lookAt(repository);
    expect(idsOf(look)).toEqual(['raw-bad:web.img']);
    expect(look.unseen.map(({ path, unread }) => [path, /BUG/.test(unread!.why)])).toEqual([
      ['bad', true],
    ]);
  });

  it('is left to nobody where a layout behind the one that fails would take it', async () => {
    makeTreeKnown(tree({ claim: failIn('bad') }));
    const { repository } = await treeOf({ 'bad/web.img': 1024, 'zz/db.img': 1024 });
    expect(idsOf(await lookAt(repository))).toEqual(['raw-zz:db.img']);
  });

  it.each<[string, Partial<BackupLayout>]>([
    ['what may be nobody’s', { mayBeNobodys: failing }],
    ['what is its own', { isOwn: failing, claim: ({ folders }) => claimFolders(folders, ['bad']) }],
  ])('is named when its layout fails over %s', async (_, over) => {
    makeLayoutKnown({
      ...wholeLayout,
      claim: (names) => (names.files.includes('web.whole') ? { files: ['web.whole'] } : null),
      ...over,
    });
    const { repository } = await treeOf({ 'bad/web.whole': 512, 'zz/db.img': 1024 });
    const unseen: UnseenPart[] = [];
    const workloads = await scanRepository(repository, {
      onUnseen: (part) => unseen.push(part),
      onUnrecognised: () => undefined,
    });
    expect(workloads.map(({ id }) => id)).toEqual(['raw-zz:db.img']);
    expect(unseen.map(({ unread }) => /BUG/.test(unread!.why))).toEqual([true]);
  });

  it('is named when the code fails over which of its files a machine runs on', async () => {
    const { repository } = await treeOf({ 'bad/web.img': 1024 });
    const { capabilities } = repository;
    Object.assign(repository, { capabilities: { ...capabilities, place: { split: 1 } } });
    const look = await lookAt(repository);
    expect(idsOf(look)).toEqual([]);
    expect(look.unseen.map(({ path }) => path)).toEqual(['.', 'bad']);
  });

  it('is named when nobody can read whether two folders are of one machine', async () => {
    makeLayoutKnown(wholeLayout);
    const { repository } = await treeOf({
      ...{ 'one/web.whole': 512, 'two/web.whole': 512, 'zz/db.img': 1024 },
    });
    const openRead = repository.openRead.bind(repository);
    repository.openRead = async (path) => {
      const file = await openRead(path);
      return path === 'two/web.whole' ? Object.assign(file, { read: failing }) : file;
    };
    const look = await lookAt(repository);
    expect(idsOf(look)).toEqual(['raw-zz:db.img']);
    expect(look.unseen.map(({ path, unread }) => [path, unread!.what])).toEqual([
      ['one', 'whole-web'],
    ]);
  });

  it('fails the look all the same when it is the storage that fails without an answer', async () => {
    const { repository } = await treeOf({ 'web/web.ovf': 'x', 'zz/db.img': 1024 });
    repository.openRead = () =>
      Promise.reject(Object.assign(new Error('EWHAT'), { errno: -5, syscall: 'open' }));
    await expect(lookAt(repository)).rejects.toThrow('EWHAT');
  });
});

describe('a date that no calendar has', () => {
  const NEXT_AGE = (2n ** 63n - 1n).toString();

  it.each([
    [`${NEXT_AGE}000`, '9999-12-31T23:59:59.999Z'],
    [`-${NEXT_AGE}000`, '1970-01-01T00:00:00.000Z'],
  ])('of a file (%s ns) is the nearest that can be written', async (modifiedAtNs, oldestAt) => {
    const { repository } = await treeOf({ 'zz/db.img': 1024 });
    const list = repository.list.bind(repository);
    repository.list = async (folder) =>
      (await list(folder)).map((entry) => ({ ...entry, stamp: { ...entry.stamp, modifiedAtNs } }));
    const { workloads } = await lookAt(repository);
    expect(workloads.map(sourceFacts)).toMatchObject([{ oldestAt }]);
  });

  it.each([
    [Number.MAX_SAFE_INTEGER * 1000, '9999-12-31T23:59:59.999Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [-8.64e15, '0000-01-01T00:00:00.000Z'],
  ])('in the files of a tree (%d ms) is, too', async (createdAtMs, oldestAt) => {
    const point = {
      ...{ id: 'p', createdAtMs, kind: 'full' as const, needs: [], files: ['odd'] },
      ...{ state: 'complete' as const, reason: null, sizeBytes: 1 },
    };
    const found = { id: 'odd', name: 'odd', root: 'bad', points: [point] };
    makeTreeKnown(tree({ confirm: undefined, scan: () => Promise.resolve([found]) }));
    const { repository } = await treeOf({ 'bad/odd': 512 });
    const { workloads } = await lookAt(repository);
    expect(workloads.map(sourceFacts)).toMatchObject([{ id: 'odd', oldestAt }]);
    expect(
      workloads[0]!.tree!.points.map((one) => new Date(one.createdAtMs).toISOString()),
    ).toEqual([oldestAt]);
  });
});
