import { utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { redoFolderLayout } from '../../../../src/layout/rman/redo-folder.js';
import { parseRedoLog } from '../../../../src/layout/rman/redo-names.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';

/** Two blocks of the head, and one of log. */
function redoLog(
  sequence: number,
  more: { blockBytes?: number; isBig?: boolean; blocks?: number; sizeBytes?: number } = {},
): Buffer {
  const { blockBytes = 512, isBig = false, blocks = 3 } = more;
  const bytes = Buffer.alloc(more.sizeBytes ?? 3 * blockBytes, 7);
  const put = (value: number, offset: number) =>
    isBig ? bytes.writeUInt32BE(value, offset) : bytes.writeUInt32LE(value, offset);
  bytes[0] = 0;
  bytes[1] = blockBytes === 4096 ? 0x82 : 0x22;
  put(blockBytes, 20);
  put(0x7a7b7c7d, 28);
  put(sequence, blockBytes + 8);
  put(blocks, blockBytes + 156);
  return bytes;
}

/** @param files in the order in which they were written, a minute apart */
async function treesOf(files: Record<string, Buffer | string>) {
  const copy = await treeOf(files);
  for (const [minute, path] of Object.keys(files).entries()) {
    const at = new Date(Date.UTC(2026, 10, 24, 6, minute));
    await utimes(copy.at(path), at, at);
  }
  return scanTreesWith(redoFolderLayout, copy.repository);
}

describe('names of archived logs', () => {
  it.each<[string, string | null]>([
    ['1_234_987654321.dbf', '1_234_987654321'],
    ['1_234_987654321.arc', '1_234_987654321'],
    ['arch_2_0234_0987654321.arc.gz', '2_234_987654321'],
    ['ORCL-1_234_987654321.log', '1_234_987654321'],
    ['ARC0000000234_0987654321.0001', '1_234_987654321'],
    ['ARC00234_0987654321.001', '1_234_987654321'],
    ['o1_mf_1_4711_7rjh01to_.arc', null],
    ['users_1_2_3.dbf', null],
    ['1_234_987654321.bak', null],
    ['users01.dbf', null],
  ])('%s is log %s', (name, id) => {
    expect(parseRedoLog(name)?.id ?? null).toBe(id);
    const { rules } = redoFolderLayout;
    expect(classOf(rules, `arch/${name}`)).toBe(id === null ? null : 0);
  });
});

describe('a folder of archived logs', () => {
  it('has a point for each run of a thread, and names what is missing between them', async () => {
    const name = (thread: number, sequence: number) => `arch/${thread}_${sequence}_987654321.dbf`;
    const [tree, ...others] = await treesOf({
      ...{ [name(1, 8)]: redoLog(8), [name(1, 7)]: redoLog(7), [name(1, 11)]: redoLog(11) },
      ...{ [name(2, 3)]: redoLog(3, { isBig: true, blockBytes: 4096 }), 'arch/note.txt': 'x' },
    });
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'oracle-logs-arch', name: 'arch', root: 'arch' });
    expect(tree!.within).not.toContain('note.txt');
    expect(
      tree!.points.map(({ id, state, sizeBytes, gap }) => [id, state, sizeBytes, gap]),
    ).toEqual([
      ['1_7_987654321', 'complete', 3072, undefined],
      [
        '1_11_987654321',
        ...[
          'complete',
          1536,
          'archived logs 9 to 10 of thread 1 (resetlogs 987654321) are missing',
        ],
      ],
      ['2_3_987654321', 'complete', 12_288, undefined],
    ]);
  });

  it('begins with 1 behind OPEN RESETLOGS, or lacks what is before, but not beside another database', async () => {
    const gapsOf = async (...names: readonly string[]) => {
      const [tree] = await treesOf(
        Object.fromEntries(
          names.map((name) => [`arch/${name}.arc`, redoLog(parseRedoLog(`${name}.arc`)!.sequence)]),
        ),
      );
      return Object.fromEntries(tree!.points.map(({ id, gap }) => [id, gap]));
    };
    expect(await gapsOf('1_99_900000001', '1_1_900000002', '1_2_900000002')).toEqual({
      ...{ '1_99_900000001': undefined, '1_1_900000002': undefined },
    });
    expect(await gapsOf('1_99_900000001', '1_2_900000002')).toEqual({
      '1_99_900000001': undefined,
      '1_2_900000002': 'archived log 1 of thread 1 (resetlogs 900000002) is missing',
    });
    expect(await gapsOf('1_98_900000001', '1_2_900000002', '1_99_900000001')).toEqual({
      ...{ '1_98_900000001': undefined, '1_2_900000002': undefined },
    });
  });

  it('says which log is cut off, still written, another or none, and ends the run before it', async () => {
    const name = (sequence: number) => String(sequence).padStart(10, '0');
    const [tree] = await treesOf({
      [`arch/ARC${name(7)}_0987654321.0001`]: redoLog(7),
      [`arch/ARC${name(8)}_0987654321.0001`]: redoLog(8, { sizeBytes: 1200 }),
      [`arch/ARC${name(9)}_0987654321.0001`]: redoLog(9, { blocks: 0xffffffff }),
      [`arch/ARC${name(10)}_0987654321.0001`]: redoLog(77),
      [`arch/ARC${name(11)}_0987654321.0001`]: 'x'.repeat(2000),
    });
    const file = (sequence: number) => `ARC${name(sequence)}_0987654321.0001`;
    expect(tree!.points.map(({ id, state, reason }) => [id, state, reason])).toEqual([
      ['1_7_987654321', 'complete', null],
      [file(8), 'incomplete', `${file(8)} has 1200 bytes and is to have 1536`],
      [file(9), 'incomplete', `${file(9)} is still written by the database`],
      [file(10), 'incomplete', `${file(10)} holds log 77, not 10`],
      [file(11), 'incomplete', `${file(11)} does not begin as a redo log does`],
    ]);
  });

  it('is left to others where nothing in it begins as a log does, and taken by names where all is packed', async () => {
    expect(await treesOf({ 'data/1_234_987654321.dbf': 'x'.repeat(2000) })).toEqual([]);
    const [tree] = await treesOf({ 'data/1_234_987654321.arc.gz': 'x' });
    expect(tree!.points.map(({ id, state }) => [id, state])).toEqual([
      ['1_234_987654321', 'complete'],
    ]);
  });
});

describe('archived logs in folders of dates', () => {
  const name = (sequence: number) => `1_${sequence}_987654321.dbf`;

  it('are the log of one database, with gaps named, and what lies beside them is not theirs', async () => {
    const { repository } = await treeOf({
      [`arch/2026-11-22/${name(7)}`]: redoLog(7),
      [`arch/2026-11-23/${name(8)}`]: redoLog(8),
      [`arch/2026-11-24/${name(10)}`]: redoLog(10),
      'arch/2026-11-24/web01.img': 'x'.repeat(512),
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id }) => id)).toEqual([
      ...['oracle-logs-arch', 'raw-arch:2026-11-24:web01.img'],
    ]);
    expect(found[0]!.otherIds).toEqual(
      ['<date>', '2026-11-22', '2026-11-23', '2026-11-24'].map((day) => `oracle-logs-arch:${day}`),
    );
    for (const one of found)
      expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    const gaps = Object.fromEntries(found[0]!.tree!.points.map(({ id, gap }) => [id, gap]));
    expect(gaps).toEqual({
      '1_7_987654321': undefined,
      '1_10_987654321': 'archived log 9 of thread 1 (resetlogs 987654321) is missing',
    });
  });

  it('are one log also among pieces of RMAN, and none where nothing begins as a log', async () => {
    const day = (date: string, sequence: number) => ({
      [`b/${date}/0v2k3j4l_1_1`]: 'piece',
      [`b/${date}/c-1234567890-${date.replaceAll('-', '')}-00`]: 'control file',
      [`b/${date}/${name(sequence)}`]: redoLog(sequence),
    });
    const { repository } = await treeOf({
      ...{ ...day('2026-11-23', 7), ...day('2026-11-24', 8) },
      [`c/2026-11-24/${name(3)}`]: 'x'.repeat(2000),
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id }) => id).sort()).toEqual([...['oracle-logs-b', 'rman-free-b']]);
    const log = found.find(({ id }) => id === 'oracle-logs-b')!;
    expect(log.tree!.points.map(({ id }) => id)).toEqual(['1_7_987654321']);
    expect(log.tree!.within).toEqual([`2026-11-23/${name(7)}`, `2026-11-24/${name(8)}`]);
  });
});
