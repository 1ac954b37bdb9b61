import { utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import {
  autobackupAtMs,
  freeAutobackup,
  isFreePiece,
  namedLevel,
  parseArchivedLog,
  parseOmfPiece,
} from '../../../../src/layout/rman/rman-names.js';
import { rmanFreeLayout } from '../../../../src/layout/rman/free-folder.js';
import { rmanLayout } from '../../../../src/layout/rman/rman.js';
import { AREA, recoveryArea } from '../../../support/layout/database-trees.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

describe('names of RMAN', () => {
  it.each<[string, string, number | null]>([
    ['o1_mf_nnndf_TAG20261124T063000_7rjh01to_.bkp', 'full', Date.UTC(2026, 10, 24, 6, 30)],
    ['o1_mf_nnnd0_TAG20261124T063000_7rjh01to_.bkp', 'level0', Date.UTC(2026, 10, 24, 6, 30)],
    ['O1_MF_NNND1_TAG20261124T063000_7RJH01TO_.BKP', 'level1', Date.UTC(2026, 10, 24, 6, 30)],
    ['o1_mf_annnn_TAG20261124T063000_7rjh01to_.bkp', 'log', Date.UTC(2026, 10, 24, 6, 30)],
    ['o1_mf_ncsnf_TAG20080502T081406_41pd0s8h_.bkp', 'control', Date.UTC(2008, 4, 2, 8, 14, 6)],
    ['o1_mf_ncnnf_TAG20080502T081406_41pd0s8h_.bkp', 'control', Date.UTC(2008, 4, 2, 8, 14, 6)],
    ['o1_mf_nnsnf_TAG20080502T081406_41pd0s8h_.bkp', 'parameters', Date.UTC(2008, 4, 2, 8, 14, 6)],
    ['o1_mf_nnndf_FULL_DATABASE_BEFORE_7rjh01to_.bkp', 'full', null],
  ])('%s is of kind %s', (name, kind, tagAtMs) => {
    expect(parseOmfPiece(name)).toMatchObject({ kind, tagAtMs });
  });

  it('tell when an autobackup was made: seconds since 1988 in months of 31 days', () => {
    // ((2026 - 1988) * 12 + 10) * 31 + 23 days, 6 h 40 min.
    expect(autobackupAtMs('o1_mf_s_1250145600_7rjh01to_.bkp')).toBe(Date.UTC(2026, 10, 24, 6, 40));
  });

  it('tell threads, sequences and free formats', () => {
    expect(parseArchivedLog('o1_mf_1_4711_7rjh01to_.arc')).toEqual({ thread: 1, sequence: 4711 });
    expect(freeAutobackup('c-1234567890-20261124-0a')).toMatchObject({ databaseId: '1234567890' });
    expect(freeAutobackup('ctl_c-1234567890-20261124-0a.bck')?.databaseId).toBe('1234567890');
    const pieces = ['0v2k3j4l_1_1', 'df_1250145600_s31_p1', 'ORCL_31_1_1250145600.bkp'];
    expect([...pieces, 'alert_orcl.log', 'backup.rcv'].map(isFreePiece)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });

  it.each<[string, 0 | 1 | null]>([
    ['ORCL_L0_0v2k3j4l_1_1', 0],
    ['level_0_0v2k3j4l_1_1.bkp', 0],
    ['FULL_ORCL_20261124_0v2k3j4l_31_1_1.bkp', 0],
    ['inc1_ORCL_0v2k3j4l_1_1', 1],
    ['ORCL_incr_0v2k3j4l_1_1', 1],
    ['0v2k3j4l_1_1', null],
    ['l0v2k3j4_1_1', null],
  ])('%s is called level %s', (name, level) => {
    expect(namedLevel(name)).toBe(level);
  });
});

const PIECE = (day: string, kind: string, tag: string) =>
  `ORCL/backupset/${day}/o1_mf_${kind}_${tag}_7rjh01to_.bkp`;
const ARC = AREA.log;
/** In minutes. */
const DAY = 24 * 60;
const { sunday: SUNDAY, tuesday: TUESDAY } = AREA;

async function pointsOf(files: Record<string, string | Uint8Array>) {
  const [tree] = await scanTreesWith(rmanLayout, (await treeOf(files)).repository);
  return tree!.points;
}

describe('a fast recovery area', () => {
  it('is one database: runs by their tags, what they build on, and logs that join', async () => {
    const [tree, ...others] = await scanTreesWith(
      rmanLayout,
      (await treeOf(recoveryArea())).repository,
    );
    expect(others).toEqual([]);
    expect(tree).toMatchObject({ id: 'rman-ORCL', name: 'ORCL', root: 'ORCL' });
    const within = (path: string) => path.slice('ORCL/'.length);
    const gap = expect.stringContaining('no archived log that was made after its end is here');
    expect(tree!.points.map(briefPoint)).toEqual([
      { id: SUNDAY, kind: 'full', state: 'complete', needs: [], gap },
      { id: TUESDAY, kind: 'increment', state: 'complete', needs: [SUNDAY] },
      { id: within(ARC(7)), kind: 'log', state: 'complete', needs: [TUESDAY] },
      { id: within(ARC(8)), kind: 'log', state: 'complete', needs: [within(ARC(7))] },
    ]);
    expect(tree!.points[1]!.files).toEqual([
      `0123456789ABCDEF0123456789ABCDEF/backupset/2026_11_24/o1_mf_nnnd1_${TUESDAY}_7rjh02to_.bkp`,
      within(PIECE('2026_11_24', 'nnnd1', TUESDAY)),
      'autobackup/2026_11_24/o1_mf_s_1250145600_7rjh01to_.bkp',
      within(ARC(7)),
      within(ARC(8)),
    ]);
  });

  it('needs no autobackup where a piece of the run has the control file', async () => {
    const piece = (kind: string) =>
      `ORCL/backupset/2008_05_02/o1_mf_${kind}_TAG20080502T081406_41pd0s8h_.bkp`;
    const points = await pointsOf({ [piece('nnndf')]: 'all', [piece('ncsnf')]: 'control file' });
    expect(points.map(({ id, kind, state }) => [id, kind, state])).toEqual([
      ['TAG20080502T081406', 'full', 'complete'],
    ]);
  });

  it('tells runs of one tag of its own apart by the control files behind them, in any time zone', async () => {
    // Written at 11:30 UTC and named by local time, five hours behind; the same tag on both days.
    const written: [string, number][] = [
      [PIECE('2026_11_22', 'nnnd0', 'DAILY').replace('7rjh01to', '7rjh01aa'), -2 * DAY],
      [PIECE('2026_11_22', 'nnnd0', 'DAILY').replace('7rjh01to', '7rjh01ab'), -2 * DAY + 1],
      ['ORCL/autobackup/2026_11_22/o1_mf_s_1249972800_7rjh01ac_.bkp', -2 * DAY + 10],
      [PIECE('2026_11_24', 'nnnd0', 'DAILY').replace('7rjh01to', '7rjh01ad'), 0],
      ['ORCL/autobackup/2026_11_24/o1_mf_s_1250145600_7rjh01ae_.bkp', 10],
    ];
    const copy = await treeOf(Object.fromEntries(written.map(([path]) => [path, path])));
    for (const [path, minutes] of written) {
      const at = new Date(Date.UTC(2026, 10, 24, 11, 30 + minutes));
      await utimes(copy.at(path), at, at);
    }
    const [tree] = await scanTreesWith(rmanLayout, copy.repository);
    const within = written.map(([path]) => path.slice('ORCL/'.length));
    expect(
      tree!.points.map(({ id, createdAtMs, state, files }) => [id, createdAtMs, state, files]),
    ).toEqual([
      ['DAILY 7rjh01aa', Date.UTC(2026, 10, 22, 6, 30), 'complete', within.slice(0, 3)],
      ['DAILY 7rjh01ad', Date.UTC(2026, 10, 24, 6, 30), 'complete', within.slice(3)],
    ]);
  });

  /** @param written names below `ORCL`, and minutes after midnight UTC of 24 November 2026, which is also the time of the database's machine */
  async function pointsOfDay(...written: (readonly [string, number])[]) {
    const copy = await treeOf(Object.fromEntries(written.map(([name]) => [`ORCL/${name}`, name])));
    for (const [name, minutes] of written) {
      const at = new Date(Date.UTC(2026, 10, 24, 0, minutes));
      await utimes(copy.at(`ORCL/${name}`), at, at);
    }
    const [tree] = await scanTreesWith(rmanLayout, copy.repository);
    return tree!.points;
  }
  const piece = (kind: string, tag: string, unique: string) =>
    `backupset/d/o1_mf_${kind}_${tag}_7rjh0${unique}_.bkp`;
  const tagAt = (minutes: number) =>
    `TAG20261124T${new Date(Date.UTC(2026, 10, 24, 0, minutes)).toISOString().slice(11, 19).replaceAll(':', '')}`;
  /** 2026-11-24 00:00 as seconds since 1988 in months of 31 days. */
  const control = (minutes: number): readonly [string, number] => [
    `autobackup/d/o1_mf_s_${1_250_145_600 - 24_000 + 60 * minutes}_7rjh01to_.bkp`,
    minutes,
  ];

  it.each<[string, readonly (readonly [string, number])[], string]>([
    [
      'a job of logs that came an hour later',
      [[piece('annnn', tagAt(120), 'bbb'), 121], control(122)],
      'incomplete',
    ],
    [
      'the next backup of the database',
      [[piece('nnnd0', tagAt(300), 'bbb'), 330], control(331)],
      'incomplete',
    ],
    ['a control file that was written before its last piece', [control(50)], 'incomplete'],
    [
      'logs that follow in the same script',
      [[piece('annnn', tagAt(61), 'bbb'), 62], control(62)],
      'complete',
    ],
    ['nothing but its own control file', [control(61)], 'complete'],
  ])('knows whether a run has died that is followed by %s', async (_, behind, state) => {
    const tag = tagAt(30);
    const points = await pointsOfDay(
      ...[[piece('nnnd0', tag, '1aa'), 45] as const, [piece('nnnd0', tag, '1ab'), 60] as const],
      ...behind,
    );
    expect(points.find(({ id }) => id === tag)!.state).toBe(state);
  });

  it('leaves logs that are backed up before the data to the control file behind the data', async () => {
    const points = await pointsOfDay(
      ...[[piece('annnn', tagAt(30), '1aa'), 31] as const],
      ...[[piece('nnnd0', tagAt(32), '1ab'), 200] as const],
      ...[[piece('annnn', tagAt(201), '1ac'), 201] as const, control(202)],
    );
    expect(points.map(({ id, state }) => [id, state])).toEqual([
      [tagAt(30), 'complete'],
      [tagAt(32), 'complete'],
      [tagAt(201), 'complete'],
    ]);
  });

  it('is not cut by the control files of jobs that back up logs beside a run of a tag of its own', async () => {
    const logs = [60, 120, 180].flatMap((minutes): (readonly [string, number])[] => [
      [piece('annnn', tagAt(minutes), `2${minutes % 100}`.padEnd(3, 'x')), minutes + 1],
      control(minutes + 2),
    ]);
    const points = await pointsOfDay(
      [piece('nnnd0', 'DAILY', '1aa'), 40],
      ...logs,
      ...[
        [piece('nnnd0', 'DAILY', '1ab'), 100] as const,
        [piece('nnnd0', 'DAILY', '1ac'), 200] as const,
      ],
      control(201),
      ...[[piece('nnnd0', 'DAILY', '1ad'), 24 * 60 + 40] as const, control(24 * 60 + 41)],
    );
    const daily = points.filter(({ id }) => id.startsWith('DAILY'));
    expect(daily.map(({ id, state }) => [id, state])).toEqual([
      ['DAILY 7rjh01aa', 'complete'],
      ['DAILY 7rjh01ad', 'complete'],
    ]);
    expect(daily[0]!.files).toEqual(
      expect.arrayContaining([piece('nnnd0', 'DAILY', '1ac'), control(201)[0]]),
    );
  });

  it('joins archived logs in the order in which they were written when clocks are put back', async () => {
    // In Berlin clocks go from 03:00 to 02:00 at 01:00 UTC: the first autobackup has local time two hours ahead, the second one hour.
    const seconds = (hour: number, minute: number) =>
      (((2026 - 1988) * 12 + 9) * 31 + 24) * 86_400 + hour * 3_600 + minute * 60;
    const autobackup = (stamp: number) => `ORCL/autobackup/d/o1_mf_s_${stamp}_7rjh01to_.bkp`;
    const level0 = PIECE('d', 'nnnd0', 'TAG20261025T010000');
    const written: [string, number][] = [
      [level0, -120],
      ...[-40, -20].map((minutes, index): [string, number] => [ARC(10 + index), minutes]),
      [autobackup(seconds(2, 45)), -15],
      ...[10, 30, 50].map((minutes, index): [string, number] => [ARC(12 + index), minutes]),
      [autobackup(seconds(4, 0)), 120],
    ];
    const copy = await treeOf(Object.fromEntries(written.map(([path]) => [path, path])));
    for (const [path, minutes] of written) {
      const at = new Date(Date.UTC(2026, 9, 25, 1, minutes));
      await utimes(copy.at(path), at, at);
    }
    const [tree] = await scanTreesWith(rmanLayout, copy.repository);
    const logs = tree!.points.filter(({ kind }) => kind === 'log');
    const within = (sequence: number) => ARC(sequence).slice('ORCL/'.length);
    expect(
      new Map(
        logs.map(({ id, needs, gap }) => [id, [...needs, ...(gap === undefined ? [] : [gap])]]),
      ),
    ).toEqual(
      new Map([
        [within(10), ['TAG20261025T010000']],
        ...[11, 12, 13, 14].map((one): [string, string[]] => [within(one), [within(one - 1)]]),
      ]),
    );
  });

  it('whose last run has no control file behind it waits for that', async () => {
    const { 'ORCL/autobackup/2026_11_24/o1_mf_s_1250145600_7rjh01to_.bkp': _, ...files } =
      recoveryArea();
    const points = await pointsOf(files);
    expect(points.find(({ id }) => id === TUESDAY)).toMatchObject({
      state: 'incomplete',
      reason: 'no autobackup of the control file was made after it and before the next backup',
      evidence: { closing: 'awaited' },
    });
    expect(points.find(({ id }) => id === SUNDAY)).toMatchObject({ state: 'complete' });
  });

  it('without a level 0, or with a hole in its logs, says so', async () => {
    const { [PIECE('2026_11_22', 'nnnd0', SUNDAY)]: _, ...files } = recoveryArea();
    const points = await pointsOf({ ...files, [ARC(11)]: 'log 11' });
    expect(points.find(({ id }) => id === TUESDAY)!.gap).toBe(
      'the level 0 that it builds on is not here',
    );
    expect(points.find(({ id }) => id.includes('_11_7r'))!.gap).toBe(
      'archived logs 9 to 10 of thread 1 are missing',
    );
  });

  it('takes no level 1 for a sound base when no level 0 lies below it', async () => {
    const MONDAY = 'TAG20261123T063000';
    const { [PIECE('2026_11_22', 'nnnd0', SUNDAY)]: _, ...files } = recoveryArea();
    const points = await pointsOf({
      ...files,
      [PIECE('2026_11_23', 'nnnd1', MONDAY)]: 'first',
      'ORCL/autobackup/2026_11_23/o1_mf_s_1250059200_7rjh01to_.bkp': 'control file',
    });
    expect(points.filter(({ kind }) => kind === 'increment').map(briefPoint)).toEqual(
      [
        { id: MONDAY, needs: [] },
        { id: TUESDAY, needs: [MONDAY] },
      ].map((point) => ({
        ...{ ...point, kind: 'increment', state: 'complete' },
        gap: 'the level 0 that it builds on is not here',
      })),
    );
  });

  it('copies autobackups last, and files that the database uses never', () => {
    const { rules } = rmanLayout;
    const classNames = [
      ARC(7),
      PIECE('x', 'nnndf', 'T'),
      'autobackup/d/o1_mf_s_1_7rjh01to_.bkp',
    ].map((path) => rules.classes[classOf(rules, path)!]!.name);
    expect(classNames).toEqual(['logs', 'pieces', 'autobackups']);
    expect(rules.ignored!.test('onlinelog/o1_mf_1_7rjh01to_.log')).toBe(true);
    expect(rules.ignored!.test('autobackup/d/o1_mf_s_1_7rjh01to_.bkp')).toBe(false);
  });

  it('is left to others when nothing in its folders is named by Oracle', async () => {
    const copy = await treeOf({ 'x/archivelog/notes.txt': 'x', 'x/backupset/d/vm.qcow2': 'x' });
    expect(await scanTreesWith(rmanLayout, copy.repository)).toEqual([]);
  });
});

describe('a folder of free formats', () => {
  it('has a point for each autobackup, with the pieces since the one before', async () => {
    const names = [
      ...['0v2k3j4l_1_1', '0w2k3j4m_2_1', 'c-1234567890-20261124-00'],
      ...['0x2k3j4n_3_1.bkp', 'c-1234567890-20261125-00', '0y2k3j4o_4_1', 'rman.log'],
    ];
    const copy = await treeOf(Object.fromEntries(names.map((name) => [`rman/${name}`, name])));
    for (const [index, name] of names.entries()) {
      const at = new Date(Date.UTC(2026, 10, 24, 6, index));
      await utimes(copy.at(`rman/${name}`), at, at);
    }
    const [tree] = await scanTreesWith(rmanFreeLayout, copy.repository);
    expect(tree).toMatchObject({ id: 'rman-free-rman', name: 'rman (database 1234567890)' });
    expect(tree!.within).not.toContain('rman.log');
    expect(tree!.points.map(({ id, state, files }) => [id, state, files])).toEqual([
      ['c-1234567890-20261124-00', 'complete', names.slice(0, 3)],
      ['c-1234567890-20261125-00', 'complete', names.slice(3, 5)],
      ['0y2k3j4o_4_1', 'incomplete', ['0y2k3j4o_4_1']],
    ]);
  });

  it('says of each level 1 that no level 0 lies below it', async () => {
    const names = ['L1_0v2k3j4l_1_1', 'c-7-20261124-00', 'L1_0w2k3j4m_2_1', 'c-7-20261125-00'];
    const copy = await treeOf(Object.fromEntries(names.map((name) => [`rman/${name}`, name])));
    for (const [index, name] of names.entries()) {
      const at = new Date(Date.UTC(2026, 10, 24, 6, index));
      await utimes(copy.at(`rman/${name}`), at, at);
    }
    const [tree] = await scanTreesWith(rmanFreeLayout, copy.repository);
    expect(tree!.points.map(({ gap }) => gap)).toEqual(
      ['', ''].map(() => 'the level 0 that it builds on is not here'),
    );
  });

  /** @param written names, and the hours at which they were written */
  async function pointsOfNames(...written: (readonly [string, number])[]) {
    const copy = await treeOf(Object.fromEntries(written.map(([name]) => [`rman/${name}`, name])));
    for (const [name, hours] of written) {
      const at = new Date(Date.UTC(2026, 10, 20, 0, 60 * hours));
      await utimes(copy.at(`rman/${name}`), at, at);
    }
    const [tree] = await scanTreesWith(rmanFreeLayout, copy.repository);
    return tree!.points;
  }

  it('keeps increments with what lies below them, back to one that is called a level 0', async () => {
    const pieces = ['L0_0v2k3j4l_1_1', 'L1_0w2k3j4m_2_1', 'arch_0x2k3j4n_3_1', 'L0_0y2k3j4o_4_1'];
    const points = await pointsOfNames(
      ...pieces.flatMap((name, day) => [
        [name, 24 * day] as const,
        [`c-7-2026112${day}-00`, 24 * day + 1] as const,
      ]),
    );
    expect(points.map(({ id, needs }) => [id, needs])).toEqual([
      ['c-7-20261120-00', []],
      ['c-7-20261121-00', ['c-7-20261120-00']],
      ['c-7-20261122-00', ['c-7-20261121-00']],
      ['c-7-20261123-00', []],
    ]);
  });

  it('ends no chain at a small level 0, which is of a part of the database', async () => {
    // Each file has its name as its content: 37 bytes and 21.
    const pieces = ['L0_of_the_whole_database_0v2k3j4l_1_1', 'L0_users_0y2k3j4o_4_1'];
    const points = await pointsOfNames(
      ...pieces.flatMap((name, day) => [
        [name, 24 * day] as const,
        [`c-7-2026112${day}-00`, 24 * day + 1] as const,
      ]),
    );
    expect(points.map(({ needs }) => needs)).toEqual([[], ['c-7-20261120-00']]);
  });

  it('lets none go for one of which no name tells the level, however large it is', async () => {
    const points = await pointsOfNames(
      ...[['small', 0] as const, ['c-7-20261120-00', 1] as const],
      ...[['x'.repeat(200), 24] as const, ['c-7-20261121-00', 25] as const],
    );
    expect(points[1]!.needs).toEqual(['c-7-20261120-00']);
  });

  it('keeps the parts of a level 0 together that control files of a job beside it cut', async () => {
    const points = await pointsOfNames(
      ...[['L0_a', 0] as const, ['arch_b', 1] as const, ['c-7-20261120-00', 1.1] as const],
      ...[['arch_c', 2] as const, ['c-7-20261120-01', 2.1] as const],
      ...[['L0_d', 3] as const, ['c-7-20261120-02', 3.1] as const],
    );
    expect(points.map(({ id, needs }) => [id, needs])).toEqual([
      ['c-7-20261120-00', []],
      ['c-7-20261120-01', ['c-7-20261120-00']],
      ['c-7-20261120-02', ['c-7-20261120-01']],
    ]);
  });

  it('gives each of two databases all that may be its own, and says so', async () => {
    const points = await pointsOfNames(
      ...[['a1', 0] as const, ['b1_77', 1] as const, ['c-7-20261120-00', 2] as const],
      ...[['a2', 3] as const, ['c-77-20261120-00', 4] as const, ['a3', 5] as const],
      ...[['c-7-20261120-01', 6] as const],
    );
    expect(
      points.map(({ id, needs, files, gap }) => [id, needs, files, gap === undefined]),
    ).toEqual([
      ['c-7-20261120-00', [], ['a1', 'c-7-20261120-00'], false],
      ['c-77-20261120-00', [], ['a1', 'b1_77', 'a2', 'c-77-20261120-00'], false],
      ['c-7-20261120-01', ['c-7-20261120-00'], ['a2', 'a3', 'c-7-20261120-01'], false],
    ]);
  });

  it('takes a control file alone for no full', async () => {
    const points = await pointsOfNames(
      ...[['L0_a', 0] as const, ['c-7-20261120-00', 1] as const, ['c-7-20261120-01', 2] as const],
    );
    expect(points[1]).toMatchObject({ kind: 'increment', needs: ['c-7-20261120-00'] });
  });
});
