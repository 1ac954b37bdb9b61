import { utimes } from 'node:fs/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { datedPlace, dateOfBoth } from '../../../../src/layout/names/dated-folders.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { SiblingRuns } from '../../../../src/layout/walk/sibling-runs.js';
import { treeOf, WRITTEN_AT } from '../../../support/layout/tree.js';

describe('folders for each run', () => {
  it.each([
    ['2026-11-24', '', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['a/web_20261124_0130', 'a/web', '20261124_0130', '2026-11-24T01:30:00.000Z'],
    ['a/20261124_013005', 'a', '20261124_013005', '2026-11-24T01:30:05.000Z'],
    ['a/20261124_1001', 'a/1001', '20261124', '2026-11-24T00:00:00.000Z'],
    ['a/2026-11-24-1002', 'a/1002', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['a/backups-2026-11-24/vms', 'a/backups/vms', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['a/2026-11-24_daily/web01', 'a/daily/web01', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['a/2026/11/24', 'a', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2026/2026-11/2026-11-24/web', 'web', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['202611/20261124', '', '20261124', '2026-11-24T00:00:00.000Z'],
    ['set-2026-11-01/2026-11-24', 'set', '2026-11-24', '2026-11-24T00:00:00.000Z'],
  ])('are one place whatever their date (%s)', (folder, place, date, createdAt) => {
    expect(datedPlace(folder)).toEqual({
      place,
      date: { date, createdAtMs: Date.parse(createdAt) },
    });
  });

  it.each(['', 'a/web01', '2026', 'a/2026/11', 'vm/100/24', '2026/13/24', '2025/2026-11'])(
    'are none without a day in their names (%s)',
    (folder) => {
      expect(datedPlace(folder)).toEqual({ place: folder, date: null });
    },
  );

  it('date what has no date in its name, and tell the time where a name has the day alone', () => {
    const at = (date: string, createdAt: string) => ({ date, createdAtMs: Date.parse(createdAt) });
    const night = at('20261124_0130', '2026-11-24T01:30:00Z');
    const day = at('2026-11-24', '2026-11-24T00:00:00Z');
    const before = at('2026-11-23', '2026-11-23T00:00:00Z');
    const of = (date: typeof night | null) => ({ place: '', date });
    expect(dateOfBoth(null, of(night))).toBe(night);
    expect(dateOfBoth(day, of(night))).toBe(night);
    expect(dateOfBoth(night, of(day))).toBe(night);
    expect(dateOfBoth(before, of(night))).toBe(before);
    expect(dateOfBoth(day, of(null))).toBe(day);
    expect(dateOfBoth(null, of(null))).toBeNull();
  });
});

const dateOf = ({ createdAtMs }: { readonly createdAtMs: number }): string =>
  new Date(createdAtMs).toISOString().slice(0, 10);

describe('machines in folders for each day', () => {
  const wbadmin = (day: string) => {
    const host = `${day}/WindowsImageBackup/WIN01`;
    return { [`${host}/Backup ${day} 010000/v.vhd`]: 'x', [`${host}/MediaId`]: 'x' };
  };
  it.each<[string, string, (day: string) => Readonly<Record<string, string>>]>([
    [
      ...(['vzdump', 'proxmox-qemu-100-dump'] as const),
      (day) => ({ [`${day}/dump/vzdump-qemu-100-${day.replaceAll('-', '_')}-06_30_00.vma`]: 'x' }),
    ],
    ['wbadmin', 'windows-WindowsImageBackup:WIN01', wbadmin],
    [
      ...(['ghettoVCB', 'ghettovcb-esx01-20250101'] as const),
      (day) => ({ [`${day}/esx01-20250101/esx01-20250101-${day}_01-00-00/STATUS.ok`]: 'x' }),
    ],
    ['OVF', 'ovf-vms:web:web', (day) => ({ [`${day}/vms/web/web.ovf`]: '<Envelope/>' })],
    ['ova', 'ova-.:web.ova', (day) => ({ [`${day}/web.ova`]: 'x' })],
    ['qcow2', 'disk-web01:vda.qcow2', (day) => ({ [`web01/${day}/vda.qcow2`]: 'x' })],
  ])('are one workload with a point of each day (%s)', async (_, id, filesOf) => {
    const files = { ...filesOf('2026-11-24'), ...filesOf('2026-11-25') };
    const found = await scanRepository((await treeOf(files)).repository);
    expect(found.map((workload) => [workload.id, workload.restorePoints.length])).toEqual([
      [id, 2],
    ]);
  });

  it.each([
    ['web01/2024-01-15', 'web01/2024-01-16', 'raw-web01:vda.img'],
    ['2024/01/15', '2024/01/16', 'raw-.:vda.img'],
    ['daily-20240115/vms/a', 'daily-20240116/vms/a', 'raw-daily:vms:a:vda.img'],
  ])(
    'stay one workload when their source was moved without its times (%s)',
    async (one, two, id) => {
      const copy = await treeOf({ [`${one}/vda.img`]: 512, [`${two}/vda.img`]: 512 });
      for (const found of [
        await scanRepository(copy.repository),
        [(await scanWorkload(copy.repository, id, [one, two]))!],
      ])
        expect(found.map((workload) => [workload.id, workload.restorePoints.map(dateOf)])).toEqual([
          [id, ['2024-01-15', '2024-01-16']],
        ]);
    },
  );

  it('list each run once for a whole look, however many files are asked of', async () => {
    // Files that were written to a moment ago are not asked for their stamps again.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    onTestFinished(() => void vi.useRealTimers());
    const callsFor = async (year: number) => {
      const days = Array.from({ length: 12 }, (_, index) => `${year}-01-${10 + index}`);
      const names = days.flatMap((day) =>
        [0, 1, 2, 3, 4].map((index) => `vms/${day}/of${day.slice(-2)}x${index}.img`),
      );
      const { repository } = await treeOf(Object.fromEntries(names.map((name) => [name, 512])));
      const [list, stat] = [vi.spyOn(repository, 'list'), vi.spyOn(repository, 'stat')];
      expect(await scanRepository(repository)).toHaveLength(60);
      return { list: list.mock.calls.length, stat: stat.mock.calls.length };
    };
    // Nobody asks of files that were written in the days of their folders.
    const [walk, look] = [await callsFor(2027), await callsFor(2024)];
    expect([look.list - walk.list, look.stat - walk.stat]).toEqual([1 + 12, 0]);
  });

  it('are forgotten beyond a number of names, and listed again when they are asked for', async () => {
    const days = ['2024-01-14', '2024-01-15'];
    const files = days.flatMap((day) => [`a/${day}/x.img`, `b/${day}/x.img`]);
    const { repository } = await treeOf(Object.fromEntries(files.map((path) => [path, 512])));
    const list = vi.spyOn(repository, 'list');
    const listsWith = async (maxNames: number) => {
      list.mockClear();
      const siblings = new SiblingRuns(repository, maxNames);
      for (const folder of ['a', 'b', 'a'])
        expect(await siblings.hold(`${folder}/2024-01-14`, 'y.img')).toBe(false);
      return list.mock.calls.length;
    };
    // A place has two runs and one name.
    expect([await listsWith(3), await listsWith(2)]).toEqual([2 * 3, 3 * 3]);
  });

  it('are told where another run cannot be listed only while no run holds one of their name', async () => {
    const copy = await treeOf({
      ...{ 'a/2024-01-14/vda.img': 512, 'a/2024-01-15/vda.img': 512 },
      ...{ 'a/2024-01-15/vdb.img': 512, 'a/2024-01-16/vda.img': 512 },
    });
    const list = copy.repository.list.bind(copy.repository);
    copy.repository.list = (folder) =>
      folder === 'a/2024-01-16'
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'bad sector'))
        : list(folder);
    const holds = async (name: string) =>
      new SiblingRuns(copy.repository).hold('a/2024-01-15', name);
    expect(await holds('vda.img')).toBe(true);
    await expect(holds('vdb.img')).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
  });

  it('tell the id that they have while no other run holds one of their name', async () => {
    const copy = await treeOf({ 'web01/2024-01-15/vda.img': 512, 'db01/2026-11-24/vda.img': 512 });
    expect(
      (await scanRepository(copy.repository)).map(({ id, otherIds }) => [id, otherIds]),
    ).toEqual([
      // Written in time it has never had another.
      ['raw-db01:vda.img', undefined],
      ['raw-web01:2024-01-15:vda.img', ['raw-web01:vda.img']],
    ]);
  });

  it('stand alone as single files in a folder whose date they were written to long after', async () => {
    const copy = await treeOf({
      ...{ 'old-20240115/web.img': 512, 'old-20240115/db.img': 512, '2026-11-22/db.img': 512 },
      ...{ 'old-20240115/db-20240116.img': 512, '2026-11-21/mail.img': 512 },
      ...{ 'other-20240116/web.img': 512, '2026-11-20/mail.img/x.img': 512 },
    });
    await utimes(copy.at('old-20240115/db.img'), 0, new Date('2024-01-17T23:00:00Z'));
    expect(
      (await scanRepository(copy.repository)).map(({ id, restorePoints }) => [
        ...[id, ...restorePoints.map((point) => [point.id, point.createdAtMs])],
      ]),
    ).toEqual([
      ['raw-.:db.img', ['2026-11-22', Date.UTC(2026, 10, 22)]],
      ['raw-2026-11-20:mail.img:x.img', ['undated', WRITTEN_AT.getTime()]],
      ['raw-2026-11-21:mail.img', ['undated', WRITTEN_AT.getTime()]],
      ['raw-old-20240115:web.img', ['undated', WRITTEN_AT.getTime()]],
      ['raw-old:db.img', ['20240115', Date.UTC(2024, 0, 15)], ['20240116', Date.UTC(2024, 0, 16)]],
      ['raw-other-20240116:web.img', ['undated', WRITTEN_AT.getTime()]],
    ]);
  });
});
