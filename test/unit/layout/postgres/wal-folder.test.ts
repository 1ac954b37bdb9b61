import { readFile, readdir, rename, rm, truncate } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { walFolderLayout } from '../../../../src/layout/postgres/wal-folder.js';
import { parseHistory } from '../../../../src/layout/postgres/timeline-origins.js';
import {
  historyTimeline,
  isPartial,
  missingText,
  parseSegment,
  segmentsPerLog,
  storedSegment,
  walRuns,
} from '../../../../src/layout/postgres/wal-names.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { clusterFiles, segmentName } from '../../../support/layout/cluster-files.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const scan = ({ repository }: RepositoryCopy) => scanTreesWith(walFolderLayout, repository);
const MIB = 1024 * 1024;

describe('names of write-ahead log', () => {
  it.each<[string, string | null]>([
    ['000000010000000000000007', '000000010000000000000007'],
    ['000000010000000000000007.gz', '000000010000000000000007'],
    [
      '000000010000000000000007-00f277a100c960cdb3c10a099fe4484f3e190808.zst',
      '000000010000000000000007',
    ],
    ['000000010000000000000007.00000028.backup', null],
    ['000000010000000000000007.br', '000000010000000000000007'],
    ['000000010000000000000007.lzo', '000000010000000000000007'],
    ['000000010000000000000007.partial', null],
    ['00000001000000000000000g', null],
    ['00000002.history', null],
  ])('%s holds segment %s', (file, name) => {
    expect(storedSegment(file)?.name ?? null).toBe(name);
  });

  it('tell timelines and what is received', () => {
    expect(historyTimeline('0000000A.history')).toBe(10);
    expect(historyTimeline('0000000A.history.lz4')).toBe(10);
    expect(isPartial('000000010000000000000015.partial')).toBe(true);
  });

  it.each([
    ['00000002.history', 'histories'],
    ['00000002.history.gz', 'histories'],
    ['wals/00000002.history', 'histories'],
    ['000000010000000000000007.lzo', 'segments'],
    ['0000000100000000/000000010000000000000007', 'segments'],
    ['000000010000000000000007.00000028.backup.br', 'labels'],
    ['xlog.db', undefined],
  ])('%s is of the class %s', (path, name) => {
    const { rules } = walFolderLayout;
    expect(rules.classes[classOf(rules, path) ?? -1]?.name).toBe(name);
  });

  it.each([
    ['000000010000000000000007', 16 * MIB, true],
    ['0000000100000000/000000010000000000000007', 16 * MIB, true],
    ['000000010000000000000007', MIB, true],
    ['000000010000000000000007', 15 * MIB, false],
    ['000000010000000000000007', 0, false],
    ['000000010000000000000007.gz', 16 * MIB, false],
    ['00000002.history', 16 * MIB, false],
  ])('%s of %i bytes waits for no more: %s', (name, sizeBytes, isFull) => {
    expect(walFolderLayout.rules.isFullSize?.(name, sizeBytes)).toBe(isFull);
  });

  /** Segments of 16 MiB: `1:4-6 1:9 2:8`, places in hexadecimal. */
  const segmentsOf = (text: string) =>
    text.split(' ').flatMap((part) => {
      const [, timeline, from, to = from] = /^(\d):(\w+)(?:-(\w+))?$/.exec(part)!;
      const [first, last] = [Number.parseInt(from!, 16), Number.parseInt(to!, 16)];
      return Array.from({ length: last - first + 1 }, (_, index) => {
        const segment = (first + index).toString(16).toUpperCase().padStart(8, '0');
        return parseSegment(`0000000${timeline}00000000${segment}`)!;
      });
    });
  // In bytes of log: segment 6 of 16 MiB, and the middle of segment 0x55.
  const [LEFT_1, LEFT_2] = [
    '1\t0/6000000\tno recovery target specified',
    '2\t0/55800000\tbefore x',
  ];

  it.each<[string, string, Record<number, string>, string | null]>([
    ['follows the old one', '1:1-5 2:6-9', {}, null],
    ['follows the old one, which went on', '1:1-9 2:6-9', {}, null],
    ['follows nothing that is there', '2:6-9', {}, null],
    ['came from an earlier one than the last', '1:1-80 2:50-60 3:80', {}, null],
    [
      'lacks the end of the old one',
      '1:1-5 2:8-9',
      {},
      '000000010000000000000006 to 000000010000000000000007',
    ],
    ['lacks the end of one that went on', '1:1-5 1:9-C 2:7', {}, '000000010000000000000006'],
    ['begins where its history says', '1:1-9 2:6-9', { 2: LEFT_1 }, null],
    [
      'lacks its own beginning, by its history',
      '1:1-9 2:8-9',
      { 2: `# by hand\n${LEFT_1}\n` },
      '000000020000000000000006 to 000000020000000000000007',
    ],
    [
      'lacks what another than its own ancestor has, by its history',
      '1:1-5 2:6-54 3:55',
      { 3: LEFT_1.replace('0/6000000', '0/55000000') },
      '000000010000000000000006 to 000000010000000000000054',
    ],
    ['follows two, by its history', '1:1-6 2:6-55 3:55', { 3: `${LEFT_1}\n${LEFT_2}\n` }, null],
  ])('tell whether a timeline %s', (_, text, histories, missing) => {
    const origins = new Map(
      Object.entries(histories).map(([timeline, history]) => [
        Number(timeline),
        parseHistory(history, 16 * MIB)!,
      ]),
    );
    const newest = walRuns(segmentsOf(text), 256, origins).at(-1)!;
    const { after, first } = newest;
    expect(after === null ? null : missingText(after, first, 256)).toBe(missing);
  });

  it('join over the end of 4 GiB, by the size of segments', () => {
    const segments = ['0000000100000000000000FF', '000000010000000100000000'].map((name) =>
      parseSegment(name)!,
    );
    expect(walRuns(segments, segmentsPerLog(16 * MIB))).toHaveLength(1);
    expect(walRuns(segments, segmentsPerLog(MIB))).toHaveLength(2);
    expect(missingText(segments[0]!, parseSegment('000000010000000100000002')!, 256)).toBe(
      '000000010000000100000000 to 000000010000000100000001',
    );
  });
});

describe.skipIf(noRealTrees)('a real folder of write-ahead log', () => {
  it('of segments of 1 MiB is one run, and what is received waits', async () => {
    const trees = await scan(await realTree('pgwal/wal-1MiB-segments.tar.zst'));
    const [wal, recv] = trees.sort((a, b) => (a.root > b.root ? -1 : 1));
    expect(wal).toMatchObject({ id: 'postgres-wal-wal', name: 'wal', root: 'wal' });
    expect(wal!.points.map(briefPoint)).toEqual([
      { id: '000000010000000000000006', kind: 'log', state: 'complete', needs: [] },
    ]);
    expect(wal!.points[0]!.sizeBytes).toBe(18 * MIB);
    expect(recv!.points).toMatchObject([{ id: '000000010000000000000014', sizeBytes: MIB }]);
    expect(walFolderLayout.rules.ignored!.test('000000010000000000000015.partial')).toBe(true);
  });

  it.each(['.gz', ''])(
    'is the same when its segments are packed with gzip under names ending in "%s"',
    async (ending) => {
      const copy = await realTree('pgwal/wal-1MiB-segments.tar.zst');
      const files: Record<string, Buffer> = {};
      for (const name of await readdir(copy.at('wal')))
        files[`wal/${name}${ending}`] = gzipSync(await readFile(copy.at(`wal/${name}`)));
      const [wal] = await scan(await treeOf(files));
      expect(wal!.points.map(briefPoint)).toEqual([
        { id: '000000010000000000000006', kind: 'log', state: 'complete', needs: [] },
      ]);
      expect(wal!.points[0]!.sizeBytes).toBe(18 * MIB);
    },
  );

  it('names a range that is missing, and a segment that is cut off', async () => {
    const copy = await realTree('pgwal/wal-1MiB-segments.tar.zst');
    for (const name of ['09', '0A']) await rm(copy.at(`wal/0000000100000000000000${name}`));
    await truncate(copy.at('wal/000000010000000000000012'), 5000);
    const wal = (await scan(copy)).find(({ root }) => root === 'wal');
    const gaps = wal!.points.map(({ id, state, reason, gap }) => [
      id.slice(-2),
      state,
      reason ?? gap,
    ]);
    expect(gaps.sort()).toEqual([
      ['06', 'complete', undefined],
      [
        '0B',
        'complete',
        'the write-ahead log 000000010000000000000009 to 00000001000000000000000A is missing',
      ],
      [
        '12',
        'incomplete',
        '000000010000000000000012 has 5000 bytes, and the other segments have 1048576',
      ],
      ['13', 'complete', 'the write-ahead log 000000010000000000000012 is missing'],
    ]);
  });

  it('begins a timeline with its history, or says that it is missing', async () => {
    const copy = await realTree('pgwal/wal-1MiB-segments.tar.zst');
    await rename(copy.at('wal/000000010000000000000017'), copy.at('wal/000000020000000000000017'));
    const wal = (await scan(copy)).find(({ root }) => root === 'wal');
    expect(wal!.points.find(({ id }) => id.startsWith('00000002'))!.gap).toBe(
      '00000002.history, which tells where its timeline begins, is missing',
    );
  });
});

describe('a folder of write-ahead log', () => {
  it('that others use, too, is what has its names', async () => {
    const segment = new Uint8Array(MIB);
    const [tree] = await scan(
      await treeOf({
        'wal/000000020000000000000001': segment,
        'wal/00000002.history': '1\t0/1000000\tno recovery target specified\n',
        'wal/disk.qcow2': 'x',
      }),
    );
    expect(tree!.within).toEqual(['00000002.history', '000000020000000000000001']);
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: '000000020000000000000001', kind: 'log', state: 'complete', needs: [] },
    ]);
  });

  it('that lacks the end of a timeline says so, by the position in the history of the next', async () => {
    const segment = new Uint8Array(MIB);
    const [tree] = await scan(
      await treeOf({
        ...{ 'wal/000000010000000000000001': segment, 'wal/000000020000000000000004': segment },
        'wal/00000002.history': '1\t0/380000\tno recovery target specified\n',
      }),
    );
    expect(tree!.points.map(({ id, gap }) => [id, gap])).toEqual([
      ['000000010000000000000001', undefined],
      [
        '000000020000000000000004',
        'the write-ahead log 000000010000000000000002 to 000000010000000000000003 is missing',
      ],
    ]);
  });

  /** The head of a first page: magic of PostgreSQL 15, XLP_LONG_HEADER, size of segments and of blocks. */
  function walHead(segmentBytes: number): Buffer {
    const head = Buffer.alloc(8192);
    [0xd110, 2].forEach((word, index) => head.writeUInt16LE(word, 2 * index));
    head.writeUInt32LE(segmentBytes, 32);
    head.writeUInt32LE(8192, 36);
    return head;
  }

  it.each<[string, string, Uint8Array, string, string | undefined]>([
    // The last segment before 4 GiB, by the size in heads.
    [
      '1 MiB as their heads say',
      '0000000100000000000000FF.gz',
      gzipSync(walHead(MIB)),
      '000000010000000100000000.gz',
      'the write-ahead log 000000010000000000000100 to 000000010000000000000FFF is missing',
    ],
    [
      '16 MiB as their heads say',
      '0000000100000000000000FF.gz',
      gzipSync(walHead(16 * MIB)),
      '000000010000000100000000.gz',
      undefined,
    ],
    [
      '64 MiB as they are numbered',
      '00000001000000000000003F.zst',
      Buffer.from('x'),
      '000000010000000100000000.zst',
      undefined,
    ],
    [
      '1 MiB as they are numbered',
      '000000010000000000000FFF.lzo',
      Buffer.from('x'),
      '000000010000000100000000.lzo',
      undefined,
    ],
  ])('of packed segments of %s has the gaps that it has', async (_, last, bytes, first, gap) => {
    const [tree] = await scan(await treeOf({ [`w/${last}`]: bytes, [`w/${first}`]: bytes }));
    expect(tree!.points.map((point) => point.gap)).toEqual(
      gap === undefined ? [undefined] : [undefined, gap],
    );
  });

  it('that has a folder for each of its logs is one workload', async () => {
    const segment = new Uint8Array(16 * MIB);
    const [tree, ...others] = await scan(
      await treeOf({
        'main/wals/0000000100000000/0000000100000000000000FF': segment,
        'main/wals/0000000100000001/000000010000000100000000': segment,
        'main/wals/00000001.history': 'x',
        'main/wals/xlog.db': 'x',
        'main/wals/0123456789ABCDEF/notes.txt': 'x',
      }),
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({
      ...{ id: 'postgres-wal-main:wals', root: 'main/wals' },
      within: ['00000001.history', '0000000100000000', '0000000100000001'],
    });
    expect(tree!.points.map(({ id, gap }) => [id, gap])).toEqual([
      ['0000000100000000000000FF', undefined],
    ]);
  });

  it('in folders of dates is the log of one database, with gaps named', async () => {
    const bytes = Buffer.alloc(1024 * 1024, 4);
    const copy = await treeOf({
      [`w/2026-11-22/${segmentName(1)}`]: bytes,
      [`w/2026-11-23/${segmentName(2)}`]: bytes,
      ...{ [`w/2026-11-24/${segmentName(5)}`]: bytes, 'w/2026-11-24/web01.img': 'x'.repeat(512) },
    });
    const found = await scanRepository(copy.repository);
    expect(found.map(({ id }) => id)).toEqual(['postgres-wal-w', 'raw-w:2026-11-24:web01.img']);
    const [log] = found;
    expect(log!.tree).toMatchObject({
      within: [`2026-11-24/${segmentName(5)}`, '2026-11-22', '2026-11-23'],
      points: [
        { id: segmentName(1), state: 'complete' },
        {
          id: segmentName(5),
          gap: `the write-ahead log ${segmentName(3)} to ${segmentName(4)} is missing`,
        },
      ],
    });
    expect(log!.otherIds).toEqual(
      ['<date>', '2026-11-24', '2026-11-22', '2026-11-23'].map((day) => `postgres-wal-w:${day}`),
    );
    for (const one of found)
      expect(await scanWorkload(copy.repository, one.id, one.folders)).toEqual(one);
  });

  it('in folders of dates is told apart by the folders in these, and is none of a backup', async () => {
    const bytes = Buffer.alloc(1024 * 1024, 4);
    const copy = await treeOf({
      [`w/2026-11-23/crm/${segmentName(1)}`]: bytes,
      [`w/2026-11-24/crm/${segmentName(2)}`]: bytes,
      [`w/2026-11-24/erp/${segmentName(2)}`]: bytes,
      [`w/${segmentName(7)}`]: bytes,
      [`w/2026-11-24/0000000100000000/${segmentName(6)}`]: bytes,
      ...clusterFiles('w/2026-11-25'),
      [`w/2026-11-25/wal/${segmentName(12)}`]: bytes,
    });
    const found = await scanRepository(copy.repository, { onUnrecognised() {} });
    expect(found.map(({ id, tree }) => [id, tree!.points.map((point) => point.id)])).toEqual([
      ['pg-base-w', ['2026-11-25']],
      ['postgres-wal-crm-w', [segmentName(1)]],
      ['postgres-wal-erp-w', [segmentName(2)]],
      ['postgres-wal-w', [segmentName(6)]],
      ['postgres-wal-wal-w', [segmentName(12)]],
    ]);
    expect(found[0]!.tree!.points[0]!.files).toContain(`2026-11-25/pg_wal/${segmentName(9)}`);
  });

  it('that a database writes itself is no archive', async () => {
    const copy = await treeOf({
      'data/PG_VERSION': '15',
      'data/pg_wal/000000010000000000000001': new Uint8Array(MIB),
      'data/pg_wal/archive_status/000000010000000000000001.done': '',
    });
    expect(await scan(copy)).toEqual([]);
  });

  it('copies histories before segments', () => {
    const names = walFolderLayout.rules.classes.map(({ name }) => name);
    expect(names).toEqual(['histories', 'segments', 'labels']);
  });
});
