import { describe, expect, it } from 'vitest';
import { WindowJournal } from '../../../../src/mover/task/window-journal.js';
import { JournalWriter } from '../../../../src/mover/task/window-journal.js';
import { PlanLists } from '../../../../src/mover/tree/plan/plan-lists.js';
import {
  largeJournal,
  smallJournal,
  StagedClass,
} from '../../../../src/mover/tree/copy/staged-files.js';
import {
  largeKey,
  parsePlannedLine,
  plannedLine,
  treeStaged,
  type PlannedClass,
  type PlannedFile,
  type TreePlan,
} from '../../../../src/mover/tree/tree-plan.js';
import { placeAt, placeBytes } from '../../../../src/mover/tree/window-places.js';
import { readLines } from '../../../../src/tree/file-index.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const MIB = 1024 ** 2;
/** Of a window: 8 MiB of bytes, or 1,024 files. */
const WINDOW = 8 * MIB;
const TREE = 'job/tree';
const TOKEN = '0123456789abcdef0123456789abcdef';

function fileOf(path: string, sizeBytes: number, held: PlannedFile['held'] = null): PlannedFile {
  const stamp = { sizeBytes, modifiedAtNs: '1', changedAtNs: '2', inode: '3' };
  return { path, stamp, mode: 0o600, held };
}

async function planned(
  files: readonly PlannedFile[],
  { isSequence = false } = {},
): Promise<{ target: SimulatedRepository; planned: PlannedClass; staged: StagedClass }> {
  const target = new SimulatedRepository();
  await target.makePlace(treeStaged.largeFolder(TREE));
  const fileClass = {
    ...{ name: 'data', match: /./, content: 'immutable' as const },
    ...(isSequence ? { inSequence: true as const } : {}),
  };
  const lists = await PlanLists.open(target, TREE, fileClass, 0, TOKEN);
  for (const file of files) await lists.add(file);
  const ended = await lists.end();
  const plan = { token: TOKEN, classes: [ended] } as unknown as TreePlan;
  return { target, planned: ended, staged: await StagedClass.open(target, TREE, plan, 0) };
}

const sized = (...sizes: readonly number[]) =>
  sizes.map((size, at) => fileOf(`f${String(at).padStart(5, '0')}`, size));

describe('a line of a list', () => {
  it.each<[string, PlannedFile]>([
    ['a new file', fileOf('ä\n', 5)],
    ['a file without mode', { ...fileOf('a', 0), mode: null }],
    [
      'one that the copy has another state of',
      fileOf('a', 5, { digest: 'd', table: null, sizeBytes: 4, isGone: false }),
    ],
    [
      'a large one that was gone',
      fileOf('a', 5, { digest: 'd', table: 't', sizeBytes: 4, isGone: true }),
    ],
  ])('is read as it was written: %s', (_, file) => {
    expect(parsePlannedLine(plannedLine(file))).toEqual(file);
    expect(plannedLine(file)).not.toContain('\n');
  });

  it('names the work of a large file by its path and by all that its stamp says', () => {
    const { stamp } = fileOf('a', 5);
    const others = [
      { path: 'b', stamp },
      ...Object.entries({ sizeBytes: 6, modifiedAtNs: '9', changedAtNs: '9', inode: '9' }).map(
        ([name, value]) => ({ path: 'a', stamp: { ...stamp, [name]: value } }),
      ),
    ];
    const keys = [{ path: 'a', stamp }, ...others].map(largeKey);
    expect(new Set(keys).size).toBe(6);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('the place of a window', () => {
  it('is kept for lists beyond 4 GiB and for files of 2^53 parts', () => {
    const places = [
      { offset: 2 ** 40 + 1, length: 2 ** 32 - 1, part: 2 ** 52 + 1 },
      { offset: 0, length: 1, part: 0 },
    ];
    const bytes = Buffer.concat(places.map(placeBytes));
    expect(places.map((_, index) => placeAt(bytes, index))).toEqual(places);
  });
});

describe('the lists of a class', () => {
  it.each<[string, PlannedFile[], number[]]>([
    ['nothing', [], []],
    ['files that fill a window together', sized(5 * MIB, 3 * MIB, 1), [2, 1]],
    ['one byte more', sized(5 * MIB, 3 * MIB + 1, 1), [1, 2]],
    ['a file that fills a window alone', sized(1, WINDOW, 1), [1, 1, 1]],
    ['1,024 files', sized(...new Array<number>(1_024).fill(1)), [1_024]],
    ['1,025 files', sized(...new Array<number>(1_025).fill(1)), [1_024, 1]],
    ['empty files behind a full window', sized(WINDOW, 0, 0), [3]],
  ])('put small files into windows: %s', async (_, files, expected) => {
    const { planned: ended, staged } = await planned(files);
    expect(ended).toMatchObject({
      ...{ class: 'data', smallCount: files.length, largeCount: 0, largeWindows: 0 },
      sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
      smallWindows: expected.length,
    });
    const windows: PlannedFile[][] = [];
    for (let window = 0; window < expected.length; window++) {
      expect(staged.isSmall(window)).toBe(true);
      windows.push(await staged.smallFiles(window));
    }
    expect(windows.map(({ length }) => length)).toEqual(expected);
    expect(windows.flat()).toEqual(files);
    expect(staged.isSmall(expected.length)).toBe(false);
  });

  it('give each 8 MiB of a large file a window behind those of the small ones', async () => {
    const files = sized(WINDOW + 1, 4, 2 * WINDOW, 2 * WINDOW + 1);
    const { planned: ended, staged } = await planned(files);
    expect(ended).toMatchObject({ smallCount: 1, smallWindows: 1, largeCount: 3, largeWindows: 7 });
    const parts: unknown[] = [];
    for (let window = 1; window < 8; window++) {
      const { file, part } = await staged.largePart(window);
      parts.push([file.path, part]);
    }
    expect(parts).toEqual([
      ...[0, 1].map((part) => ['f00000', part]),
      ...[0, 1].map((part) => ['f00002', part]),
      ...[0, 1, 2].map((part) => ['f00003', part]),
    ]);
  });

  it('take every file of a sequence for a large one, but for those that are empty', async () => {
    const { planned: ended } = await planned(sized(0, 1, WINDOW), { isSequence: true });
    expect(ended).toMatchObject({ smallCount: 1, smallWindows: 1, largeCount: 2, largeWindows: 2 });
  });

  it('keep every window of more than one write of their tables', async () => {
    // 4,096 places at once; a full window of small files each, and one file of as many parts.
    const count = 4_096 + 5;
    const small = sized(...new Array<number>(count).fill(WINDOW));
    const { planned: ended, staged } = await planned([...small, fileOf('z', count * WINDOW)]);
    expect(ended).toMatchObject({ smallWindows: count, largeWindows: count });
    for (const window of [0, 4_095, 4_096, count - 1]) {
      expect(await staged.smallFiles(window)).toEqual([small[window]]);
      expect((await staged.largePart(count + window)).part).toBe(window);
    }
  });

  it('are durable before a plan can name them, with what changes without a copy', async () => {
    const target = new SimulatedRepository();
    await target.makePlace(treeStaged.largeFolder(TREE));
    const fileClass = { name: 'data', match: /./, content: 'immutable' as const };
    const lists = await PlanLists.open(target, TREE, fileClass, 3, TOKEN);
    const entry = {
      ...{ path: 'gone', stamp: fileOf('', 1).stamp, mode: null, digest: 'd' },
      ...{ table: null, goneSinceMs: 5 },
    };
    await lists.mark(entry);
    await lists.add(fileOf('a', 1));
    expect(await lists.end()).toMatchObject({ markCount: 1, smallCount: 1, sizeBytes: 1 });
    const synced = target.operations.flatMap(({ kind, path }) => (kind === 'sync' ? [path] : []));
    const names = ['small', 'large', 'marks', 'windows', 'parts'] as const;
    expect(synced.sort()).toEqual(names.map((name) => treeStaged.list(TREE, 3, name)).sort());
    const marks: string[] = [];
    for await (const part of readLines(await target.openRead(treeStaged.list(TREE, 3, 'marks'))))
      marks.push(...part);
    expect(marks).toEqual(['["gone",1,"1","2","3",null,"d",null,5]']);
  });
});

describe('windows that are still to be done', () => {
  it('are those that no journal vouches for: of small files that of the plan, of each large one its own', async () => {
    const files = sized(WINDOW, 3 * WINDOW, 2 * WINDOW, 1);
    const { target, staged } = await planned(files);
    // Windows: two of small files, three of one large file, two of the other.
    const all = [{ first: 0, count: 7 }];
    expect(await merged(staged, target, 0, 7)).toEqual(all);
    // 128 digests of 32 bytes; an outcome and a digest for each of 1,024 files.
    expect(largeJournal(TREE, 'key').payloadBytes).toBe(128 * 32);
    expect(smallJournal(TREE, 0, TOKEN).payloadBytes).toBe(1_024 * 33);
    await seal(target, smallJournal(TREE, 0, TOKEN), 1);
    await seal(target, largeJournal(TREE, largeKey(files[1]!)), 1);
    await seal(target, largeJournal(TREE, largeKey(files[2]!)), 1);
    expect(await merged(staged, target, 0, 7)).toEqual([
      { first: 0, count: 1 },
      { first: 2, count: 1 },
      { first: 4, count: 2 },
    ]);
    // In the middle of a file and beyond its end: what follows is told by the journal of the next one.
    expect(await merged(staged, target, 3, 4)).toEqual([{ first: 4, count: 2 }]);
    expect(await merged(staged, target, 1, 3)).toEqual([{ first: 2, count: 1 }]);
    expect(await merged(staged, target, 4, 1)).toEqual([{ first: 4, count: 1 }]);
    expect(await merged(staged, target, 6, 1)).toEqual([]);
    expect(await merged(staged, target, 0, 1)).toEqual([{ first: 0, count: 1 }]);
  });

  async function seal(
    target: SimulatedRepository,
    place: ReturnType<typeof smallJournal>,
    window: number,
  ): Promise<void> {
    const file = await target.openWork(place.path, place.token);
    await new JournalWriter(file, place).seal(window, Buffer.alloc(place.payloadBytes, 1));
    expect((await new WindowJournal(file, place).openRuns(window, 1)).length).toBe(0);
  }

  /** Runs that touch as one. */
  async function merged(
    staged: StagedClass,
    target: SimulatedRepository,
    first: number,
    count: number,
  ) {
    const runs: { first: number; count: number }[] = [];
    for (const run of await staged.openWindows(target, first, count)) {
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.count === run.first) last.count += run.count;
      else runs.push({ ...run });
    }
    return runs;
  }
});
