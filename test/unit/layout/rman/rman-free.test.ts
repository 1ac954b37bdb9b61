import { utimes } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type { FoundTree } from '../../../../src/domain/trees/source-tree.js';
import { classOf } from '../../../../src/domain/trees/tree-rules.js';
import { freeAutobackup, isFreePiece } from '../../../../src/layout/rman/rman-names.js';
import { rmanFreeLayout } from '../../../../src/layout/rman/free-folder.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';
import { withUnread } from '../../../support/layout/unread-folder.js';

/** @param paths in the order in which they were written, a minute apart */
async function treesOf(...paths: readonly string[]): Promise<FoundTree[]> {
  const copy = await treeOf(Object.fromEntries(paths.map((path) => [path, path])));
  for (const [minute, path] of paths.entries()) {
    const at = new Date(Date.UTC(2026, 10, 24, 6, minute));
    await utimes(copy.at(path), at, at);
  }
  return scanTreesWith(rmanFreeLayout, copy.repository);
}

/** As a disk with partitions begins. */
function bootRecord(): Buffer {
  const bytes = Buffer.alloc(70_000);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

const brief = ({ id, points }: FoundTree) => [
  id,
  ...points.map(({ state, files, gap }) => [state, files, ...(gap === undefined ? [] : [gap])]),
];

describe('names of free formats', () => {
  it.each([
    ...['README', 'readme.txt', 'nohup.out', 'backup.err', 'level0.ok', 'daily.done', 'files.lst'],
    ...['rman.log.gz', 'rman.log.1', 'rman.log-20261124', 'rman.log.1.gz', 'alert.log.old'],
    ...['orapwORCL', 'MD5SUMS', 'run.pid', 'vm.vma.zst', 'mac01.dmg'],
  ])('%s is no piece', (name) => {
    expect(isFreePiece(name)).toBe(false);
  });

  it.each(['0v2k3j4l_1_1', 'arch_ORCL_31.bck', 'ORCL.dbf.gz', 'login_0v2k3j4l_1_1', 'out_31'])(
    '%s may be one',
    (name) => {
      expect(isFreePiece(name)).toBe(true);
    },
  );

  it('show an autobackup behind any word, and it is copied last', () => {
    const name = 'controlfile.ctlc-1234567890-20261124-00';
    expect(freeAutobackup(name)).toMatchObject({ databaseId: '1234567890' });
    expect(freeAutobackup('disc-12-20261124-00')).toBeNull();
    const { rules } = rmanFreeLayout;
    expect(rules.classes[classOf(rules, `cf/${name}`)!]!.name).toBe('autobackups');
  });
});

describe('control files of free formats', () => {
  const LONE =
    'the folder has no backup piece that was written before it, and a control file alone brings no data back';

  it('without a piece before them say so', async () => {
    const names = ['c-7-20261124-00', 'c-7-20261124-01', '0v2k3j4l_1_1', 'c-7-20261125-00'];
    const [tree] = await treesOf(...names.map((name) => `rman/${name}`));
    expect(brief(tree!)).toEqual([
      'rman-free-rman',
      ['complete', names.slice(0, 1), LONE],
      ['complete', names.slice(1, 2), LONE],
      ['complete', names.slice(2)],
    ]);
  });

  it('in a folder beside that of the pieces are one database with them', async () => {
    const [piece, autobackup] = [
      'database/bkp_ORCL_20261124_0v2k3j4l_31_1_1.bkp',
      'controlfile/cf_ORCL_c-1234567890-20261124-00',
    ];
    const trees = await treesOf(
      ...[piece, autobackup, 'scripts/run.sh', 'machines/vm.qcow2'].map((path) => `orcl/${path}`),
    );
    expect(trees.map(brief)).toEqual([['rman-free-orcl', ['complete', [piece, autobackup]]]]);
    expect(trees[0]!.within).not.toContain('scripts/run.sh');
  });

  it('above a folder of pieces are one database with it', async () => {
    const trees = await treesOf('rman/arch/al_0v2k3j4l_1_1', 'rman/c-7-20261124-00');
    expect(trees.map(brief)).toEqual([
      ['rman-free-rman', ['complete', ['arch/al_0v2k3j4l_1_1', 'c-7-20261124-00']]],
    ]);
  });

  it('with pieces of their own are a database of their own', async () => {
    const own = (name: string) => [`rman/${name}/0v2k3j4l_1_1`, `rman/${name}/c-7-20261124-00`];
    const trees = await treesOf(...own('controlfile'), ...own('other'));
    expect(trees.map(({ root }) => root)).toEqual(['rman/controlfile', 'rman/other']);
  });

  it('that a command of its own has backed up close what was written before', async () => {
    const names = ['bkp_0v2k3j4l_1_1', 'ctl_ORCL_20261124', 'bkp_0w2k3j4m_1_1'];
    const [tree] = await treesOf(...names.map((name) => `rman/${name}`));
    expect(tree!.name).toBe('rman');
    expect(brief(tree!)).toEqual([
      'rman-free-rman',
      ['complete', names.slice(0, 2)],
      ['incomplete', names.slice(2)],
    ]);
  });

  it.each([
    ['web01.img', 'raw-'],
    ['vzdump-lxc-101-2026_11_24-01_00_00.tar.zst', 'proxmox-lxc-101-'],
    ['SQL01_shop_FULL_20261124_010000.bak', 'mssql-shop-sql01-'],
    ['1_7_1100000000.arc.gz', 'oracle-logs-'],
    ['base.tar.gz', 'postgresql-base-', 'pg_wal.tar.gz'],
    ['vm/web01.raw', 'raw-'],
  ])('leave %s, which lies beside pieces, to those who know it', async (name, start, ...more) => {
    const pieces = ['c-7-20261124-00', '0v2k3j4l_1_1', 'ORCL_20261124'];
    const inFolders = ['pieces/0v2k3j4l_1_1.bkp', 'autobackup/c-7-20261124-00'];
    const others = [name, ...more];
    for (const [root, folder, own] of [
      ['r', 'r', pieces],
      ['r', 'r/pieces', inFolders],
    ] as const) {
      const paths = [
        ...own.map((one) => `${root}/${one}`),
        ...others.map((one) => `${folder}/${one}`),
      ];
      const bytesOf = (path: string) => (/\.(?:img|raw)$/.test(path) ? bootRecord() : 'x');
      const { repository } = await treeOf(
        Object.fromEntries(paths.map((path) => [path, bytesOf(path)])),
      );
      const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
      expect(found.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['rman-free-r', expect.stringMatching(start)]),
      );
      const rman = found.find(({ id }) => id === 'rman-free-r')!;
      const files = rman.tree!.points.flatMap((point) => point.files ?? []);
      expect(files.sort()).toEqual([...own].sort());
      for (const one of found)
        expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    }
  });

  it.each([
    ...['datafile_1_system.img', 'full_1.img', 'full_ORCL_1.raw', 'full_20261124.img.gz'],
    ...['full_1.tar.gz', 'data_D-ORCL_I-1234567890_TS-SYSTEM_FNO-1_0a2b3c4d.raw'],
  ])('keep %s, which begins as no disk of a machine', async (name) => {
    const own = ['c-7-20261124-00', '0v2k3j4l_1_1', name];
    const bytes = Buffer.alloc(70_000, 9);
    const { repository } = await treeOf(Object.fromEntries(own.map((one) => [`r/${one}`, bytes])));
    const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual(['rman-free-r']);
    const files = found[0]!.tree!.points.flatMap((point) => point.files ?? []);
    expect(files.sort()).toEqual([...own].sort());
  });

  it.each([
    ['web01.img', () => bootRecord(), 'raw-'],
    ['web01.img.gz', () => gzipSync(bootRecord()), 'raw-'],
    ['web01.tar.gz', () => gzipSync(Buffer.from('disk.raw'.padEnd(70_000, '\0'))), 'gcp-'],
  ])('leave %s, which begins as a disk, to those who know it', async (name, bytes, start) => {
    const own = ['c-7-20261124-00', '0v2k3j4l_1_1'];
    const pieces = Object.fromEntries(own.map((one) => [`r/${one}`, 'x']));
    const { repository } = await treeOf({ ...pieces, [`r/${name}`]: bytes() });
    const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
    expect(found.map(({ id }) => id.slice(0, start.length)).sort()).toEqual(
      [start, 'rman-free-r'.slice(0, start.length)].sort(),
    );
  });

  it('take nothing along that other tools have written, where only a name tells of Oracle', async () => {
    const own = ['bkp_0v2k3j4l_1_1', 'full_ORCL_31', 'ctl_ORCL_20261124'];
    const others = [
      ...['vzdump-qemu-100-2026_11_24-06_00_00.vma.zst', 'web01.img', 'mac01.dmg', 'tank.zfs.gz'],
      ...['SRV_CTL_FULL_20261124_060000_1.bak', 'SRV_CTL_LOG_20261124_060000_1.trn'],
      ...['router.backup'],
    ];
    const claimed = (files: readonly string[]) =>
      rmanFreeLayout.claim({ folder: '', files, folders: [], passedOver: [] })?.files ?? null;
    expect(claimed([...own, ...others])).toEqual(own);
    expect(claimed(others)).toBeNull();
    expect(claimed(['fw.ctl', 'web01.img', 'tank.zfs'])).toBeNull();
    // What bears RMAN's own names under an ending of others, and logs: a point without them would pass for whole.
    const named = ['ORCL_0v2k3j4l_1_1.bak', 'full_31.bkp', 'arch_31.arc', 'ctl_31.ctl'];
    expect(claimed([...named, 'Sales_20261124_060000_1.bak'])).toEqual(named);
    // Where an autobackup tells of Oracle, what is not known for another's is a piece.
    expect(claimed(['c-7-20261124-00', 'ORCL_31.bak'])).toHaveLength(2);
  });
});

describe('pieces of RMAN in folders of dates', () => {
  const day = (date: string, level: 0 | 1) => [
    `b/${date}/l${level}_ORCL_${date}_1`,
    `b/${date}/c-1234567890-${date.replaceAll('-', '')}-00`,
  ];
  /** @param writtenAt of each path */
  const scanned = async (paths: readonly string[], writtenAt: (path: string) => Date) => {
    const bytesOf = (path: string) => (path.endsWith('.img') ? bootRecord() : path);
    const copy = await treeOf(Object.fromEntries(paths.map((path) => [path, bytesOf(path)])));
    for (const path of paths) await utimes(copy.at(path), writtenAt(path), writtenAt(path));
    return copy.repository;
  };
  const named = (path: string) => new Date(`${/\d{4}-\d\d-\d\d/.exec(path)![0]}T22:00:00Z`);
  const workloadsOf = async (paths: readonly string[], writtenAt = named) =>
    scanRepository(await scanned(paths, writtenAt), { onUnseen() {}, onUnrecognised() {} });
  const at = (place: string, sub = '') => [
    `b/${place}/0v2k3j4l_1_1`,
    `b/${place}/${sub}c-7-20261124-00`,
  ];
  const MONTH = Array.from({ length: 31 }, (_, i) => `2026-05-${String(i + 1).padStart(2, '0')}`);
  const DAYS = [...day('2026-11-22', 0), ...day('2026-11-23', 1), ...day('2026-11-24', 1)];
  const [FULL, FIRST, SECOND] = ['22', '23', '24'].map(
    (one) => `2026-11-${one}/c-1234567890-202611${one}-00`,
  );

  it('are one database whose level 1s build on what other dates have, and find their copies', async () => {
    const repository = await scanned([...DAYS, 'b/2026-11-24/web01.img'], named);
    const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual(['raw-b:web01.img', 'rman-free-b']);
    for (const one of found)
      expect(await scanWorkload(repository, one.id, one.folders)).toEqual(one);
    expect(found[1]).toMatchObject({ name: 'b (database 1234567890)' });
    expect(found[1]!.otherIds).toEqual(
      ['<date>', '2026-11-22', '2026-11-23', '2026-11-24'].map((date) => `rman-free-b:${date}`),
    );
    expect(found[1]!.tree!.points.map(({ id, needs, gap }) => [id, needs, gap])).toEqual([
      [FULL, [], undefined],
      [FIRST, [FULL], undefined],
      [SECOND, [FIRST], undefined],
    ]);
  });

  it('are in the order of their dates where they were brought here without their times', async () => {
    const order = [...DAYS].reverse();
    const at = (path: string) => new Date(Date.UTC(2027, 0, 1, 0, order.indexOf(path)));
    const [tree] = await scanTreesWith(rmanFreeLayout, await scanned(DAYS, at));
    expect(tree!.points.map(({ id, needs }) => [id, needs])).toEqual([
      [FULL, []],
      [FIRST, [FULL]],
      [SECOND, [FIRST]],
    ]);
    expect(tree!.points.map(({ createdAtMs }) => createdAtMs)).toEqual(
      [22, 23, 24].map((one) => Date.UTC(2026, 10, one)),
    );
  });

  it('are not scanned without a date that cannot be read just now', async () => {
    const repository = await scanned(DAYS, named);
    const onUnseen = vi.fn();
    await withUnread(repository, 'b/2026-11-23', async () => {
      expect(await scanRepository(repository, { onUnseen, onUnrecognised() {} })).toEqual([]);
      await expect(scanWorkload(repository, 'rman-free-b', ['b'])).rejects.toThrow('I/O error');
    });
    expect(JSON.stringify(onUnseen.mock.calls)).toContain('b/2026-11-23');
    expect(await scanRepository(repository)).toHaveLength(1);
  });

  it('are dated by when they were written in a folder of one date that is used on and on', async () => {
    const runs = ['20261122', '20261123', '20261124'].flatMap((one) => [
      [`b/PROD_20230315/l0_${one}_1`, one] as const,
      [`b/PROD_20230315/c-7-${one}-00`, one] as const,
    ]);
    const dayOf = new Map<string, string>(runs);
    const at = (path: string) => {
      const [, year, month, date] = /(....)(..)(..)/.exec(dayOf.get(path)!)!;
      const minute = path.includes('/c-') ? 30 : 0;
      return new Date(Date.UTC(Number(year), Number(month) - 1, Number(date), 22, minute));
    };
    for (const paths of [runs, runs.slice(-2)]) {
      const repository = await scanned(
        paths.map(([path]) => path),
        at,
      );
      const [tree] = await scanTreesWith(rmanFreeLayout, repository);
      expect(tree!.points.map(({ createdAtMs, files }) => [createdAtMs, files!.length])).toEqual(
        paths.filter(([path]) => path.includes('/c-')).map(([path]) => [at(path).getTime(), 2]),
      );
    }
  });

  it('are all of it with a run that has died, and with a control file of after midnight', async () => {
    const paths = [
      ...day('2026-11-22', 0),
      'b/2026-11-23/0w2k3j4m_1_1',
      'b/2026-11-24/c-1234567890-20261124-00',
    ];
    const [tree, ...others] = await scanTreesWith(rmanFreeLayout, await scanned(paths, named));
    expect(others).toEqual([]);
    expect(tree!.points.map(({ id, files }) => [id, files!.length])).toEqual([
      [FULL, 2],
      [SECOND, 2],
    ]);
  });

  it('are of as many as the folders have names without their dates, and what lies beside them stays with its own', async () => {
    const ofName = (name: string) => [`b/${name}/0v2k3j4l_1_1`, `b/${name}/c-7-20261124-00`];
    const paths = [
      ...[...ofName('qa-2026-11-23'), ...ofName('prod-2026-11-23')],
      ...['b/controlfile/c-8-20261124-00', 'b/pieces-2026-11-24/0x2k3j4n_1_1'],
    ];
    const trees = await scanTreesWith(
      rmanFreeLayout,
      await scanned(paths, () => new Date(Date.UTC(2026, 10, 24))),
    );
    expect(trees.map(({ id, within }) => [id, within!.length]).sort()).toEqual([
      ['rman-free-b', 2],
      ['rman-free-prod-b', 2],
      ['rman-free-qa-b', 2],
    ]);
  });

  it('are one database for each folder within the dates, and find their copies', async () => {
    const of = (date: string, level: 0 | 1) =>
      day(date, level).map((path) => path.replace(`b/${date}/`, `b/${date}/orcl/`));
    const paths = [
      ...of('2026-11-22', 0),
      ...of('2026-11-23', 1),
      'b/2026-11-24/orcl/0w2k3j4m_1_1',
      ...of('2026-11-24', 1).map((path) => path.replace('/orcl/', '/crm/')),
      'b/2026-11-24/vm/web01.img',
    ];
    const repository = await scanned(paths, named);
    const found = await scanRepository(repository, { onUnseen() {}, onUnrecognised() {} });
    expect(found.map(({ id }) => id).sort()).toEqual([
      expect.stringMatching(/^raw-/),
      'rman-free-crm-b',
      'rman-free-orcl-b',
    ]);
    const orcl = found.find(({ id }) => id === 'rman-free-orcl-b')!;
    expect(await scanWorkload(repository, orcl.id, orcl.folders)).toEqual(orcl);
    expect(orcl.otherIds).toEqual(
      expect.arrayContaining(['rman-free-b:<date>:orcl', 'rman-free-b:2026-11-22:orcl']),
    );
    expect(orcl.tree!.points.slice(0, 2).map(({ id, needs }) => [id, needs])).toEqual([
      ['2026-11-22/orcl/c-1234567890-20261122-00', []],
      ['2026-11-23/orcl/c-1234567890-20261123-00', ['2026-11-22/orcl/c-1234567890-20261122-00']],
    ]);
    expect(orcl.tree!.within).toContain('2026-11-24/orcl/0w2k3j4m_1_1');
  });

  it('find their copies when a control file comes to lie with pieces in one of the dates, and when it goes', async () => {
    const before = ['b/qa-2026-11-22/0v2k3j4l_1_1', 'b/autobackup/c-7-20261122-00'];
    const idsOf = (paths: readonly string[]) =>
      workloadsOf(paths, () => new Date(Date.UTC(2026, 10, 24)));
    const both = ['b/qa-2026-11-23/0w2k3j4m_1_1', 'b/qa-2026-11-23/c-7-20261123-00'];
    const [old] = await idsOf(before);
    expect(old!.id).toBe('rman-free-b');
    expect(old!.otherIds).toContain('rman-free-qa-b');
    const [next, ...others] = await idsOf([before[0]!, ...both]);
    expect(others).toEqual([]);
    expect(next!.id).toBe('rman-free-qa-b');
    expect(next!.otherIds).toContain('rman-free-b');
    for (const { id, otherIds = [] } of await idsOf([...before, ...both]))
      expect(otherIds).not.toContain(id === 'rman-free-b' ? 'rman-free-qa-b' : 'rman-free-b');
  });

  it('in folders of their own within the dates find the copies of each date, and of what is there no more', async () => {
    const [found, ...others] = await workloadsOf([
      ...['b/2026-11-22/autobackup/c-7-20261122-00', 'b/2026-11-22/pieces/0v2k3j4l_1_1'],
      ...['b/2026-11-23/autobackup/c-7-20261123-00', 'b/2026-11-23/pieces/0w2k3j4m_1_1'],
    ]);
    expect(others).toEqual([]);
    expect(found!.id).toBe('rman-free-b');
    for (const place of ['<date>', '2026-11-22', '2026-11-23', '<date>:autobackup'])
      expect(found!.otherIds).toContain(`rman-free-b:${place}`);
  });

  it.each(['autobackup/', ''])(
    'are one database with %sc-…, also beside a control file',
    async (place) => {
      const apart = [
        ...['b/2026-11-24/orcl/0v2k3j4l_1_1', 'b/2026-11-24/orcl/ctl_0w2k3j4m_1_1'],
        `b/2026-11-24/${place}c-7-20261124-00`,
      ];
      const [found, ...others] = await workloadsOf(apart);
      expect(others).toEqual([]);
      expect(found!.id).toBe('rman-free-b');
      expect(found!.tree!.points.map(({ files }) => files!.length)).toEqual([3]);
      // Also beside dates in which the folder has both.
      const both = at('2026-11-23/orcl');
      const all = await workloadsOf([...apart, ...both]);
      expect(
        all.map(({ id, tree }) => [id, tree!.within!.map((path) => `b/${path}`).sort()]),
      ).toEqual([
        ['rman-free-b', [...apart].sort()],
        ['rman-free-orcl-b', [...both].sort()],
      ]);
    },
  );

  it('are known for a database by the newest folders of its name, whatever else is dated there', async () => {
    const orcl = day('2026-11-24', 0).map((path) =>
      path.replace('/2026-11-24/', '/2026-11-24/orcl/'),
    );
    const machines = MONTH.map((date) => `b/web01-${date}/disks/web01.txt`);
    // One that is gone since a month, beside one that goes on.
    const old = at('2026-01-02/crm');
    const going = MONTH.map((date) => `b/${date}/orcl/0v2k3j4l_1_1`);
    for (const paths of [machines, going]) {
      const found = await workloadsOf([...old, ...paths, ...orcl]);
      expect(found.map(({ id }) => id)).toEqual(['rman-free-crm-b', 'rman-free-orcl-b']);
    }
  });

  it.each([
    [
      'of a database whose runs have died for so long that it is none any more',
      [...at('2026-01-02/orcl'), ...MONTH.map((date) => `b/${date}/orcl/0w2k3j4m_1_1`)],
      ...['rman-free-b:2026-01-02:orcl', 'rman-free-orcl-b'],
    ],
    [
      'of a folder of control files that pieces came to lie beside',
      [...at('2026-11-24/orcl', 'sub/'), ...at('2026-11-23/orcl')],
      ...['rman-free-orcl-b', 'rman-free-b:<date>:orcl:sub'],
    ],
    [
      'of folders of a time within those of a date, which stay what they were',
      at('2026-11-24/20261124T0130'),
      ...['rman-free-b:2026-11-24', 'rman-free-b:<date>:<date>'],
    ],
  ])('find the copies %s', async (_, paths, id, other) => {
    const found = await workloadsOf(paths);
    expect(found.map((one) => one.id)).toEqual([id]);
    expect(found[0]!.otherIds).toContain(other);
  });
});
