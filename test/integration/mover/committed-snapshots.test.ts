import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { blockJob } from '../../support/image/qemu-daemon.js';
import { qemuBytes, qemuImg, qemuIo, requireTool } from '../../support/image/qemu.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + 10 * DAY_MS;
const FIRST = 'web.snap1.qcow2';
const SECOND = 'web.snap2.qcow2';

describe.skipIf(!requireTool('qemu-storage-daemon'))(
  'external snapshots of a machine that is on',
  () => {
    let folder: string;
    let primary: BackupRepository;
    let offsite: BackupRepository;
    beforeEach(async () => {
      ({ folder, primary, offsite } = await sourceAndTarget('committed', ['restored']));
    });
    afterEach(() => rm(folder, { recursive: true }));

    const source = (name: string) => join(folder, 'primary', name);

    async function written(name: string, day: number): Promise<void> {
      const date = new Date(NOW_MS - (20 - day) * DAY_MS);
      await utimes(source(name), date, date);
    }

    /** A disk with two snapshots, each on the one before. */
    async function machine(format: string): Promise<string> {
      const base = format === 'raw' ? 'web.img' : 'web.qcow2';
      if (format === 'raw') await writeFile(source(base), Buffer.alloc(4 * MIB));
      else await qemuImg('create', '-q', '-f', format, source(base), '4M');
      await qemuIo(source(base), format, ['write -P 0x11 0 1M', 'write -P 0x12 2M 70k']);
      await written(base, 0);
      await snapshot(FIRST, base, format, 1);
      await snapshot(SECOND, FIRST, 'qcow2', 2);
      return base;
    }

    async function snapshot(
      name: string,
      base: string,
      format: string,
      day: number,
    ): Promise<void> {
      await qemuImg('create', '-q', '-f', 'qcow2', '-F', format, '-b', base, source(name));
      await qemuIo(source(name), 'qcow2', [`write -P ${0x20 + day} ${day * 64}k 70k`]);
      await qemuIo(source(name), 'qcow2', [`write -P ${0x20 + day} ${1024 + day * 64}k 70k`]);
      await written(name, day);
    }

    const live = (base: string, format: string) => [
      { path: source(base), format },
      ...[FIRST, SECOND].map((name) => ({ path: source(name), format: 'qcow2' })),
    ];

    async function session(day: number, restorePoints: 'all' | 'latest' = 'latest', keep = 99) {
      const job = testJob({ restorePoints, retention: { type: 'restorePoints', value: keep } });
      const sessions = new LocalSessions([primary, offsite]);
      const { tasks } = await sessions.tryToCopy(job, NOW_MS + day * DAY_MS);
      return tasks;
    }

    /** What the newest copy of the only chain, or of that of a workload, shows as its file and restored. */
    async function newestShows(expected: Buffer, workload?: string): Promise<number> {
      const { chains } = await findChains(offsite);
      const found = chains.filter(
        ({ record }) => workload === undefined || record.workload.name === workload,
      );
      expect(found).toHaveLength(1);
      const { folder: chain, record } = found[0]!;
      const point = record.points.at(-1)!;
      const [disk] = point.disks;
      const copied = await qemuBytes(join(folder, 'offsite', chain, disk!.path), disk!.format);
      expect(firstDifference(copied, expected)).toBeNull();
      const into = join(folder, 'restored', `${record.points.length}-${record.revision}`);
      await mkdir(into);
      const id = folderRepositoryId(into);
      const to = await openDirectoryRepository({ id, rootPath: into, readOnly: false });
      const [file] = await restoreInto(to, offsite, { chain, pointId: point.id, format: 'raw' });
      expect(firstDifference(await qemuBytes(file!, 'raw'), expected)).toBeNull();
      return record.points.length;
    }

    it.each(['raw', 'qcow2'])(
      'go on as one chain when one is committed below another (%s)',
      async (format) => {
        const base = await machine(format);
        expect(await session(0)).toMatchObject([{ result: 'success' }]);
        await blockJob(live(base, format), 'block-commit', {
          ...{ 'top-node': 'disk1', 'base-node': 'disk0', 'backing-file': base },
        });
        await rm(source(FIRST));
        await qemuIo(source(SECOND), 'qcow2', ['write -P 0x55 3M 64k']);
        const expected = await qemuBytes(source(SECOND), 'qcow2');
        await written(base, 3);
        await written(SECOND, 4);
        expect(await session(1)).toMatchObject([{ result: 'success', algorithm: 'increment' }]);
        expect(await newestShows(expected)).toBe(2);
        expect(await session(2)).toMatchObject([{ result: 'nothingToCopy' }]);
      },
    );

    it.each(['raw', 'qcow2'])(
      'go on as one chain when all are committed and another is made (%s)',
      async (format) => {
        const base = await machine(format);
        await session(0);
        await blockJob(live(base, format), 'block-commit', { 'base-node': 'disk0' });
        await rm(source(FIRST));
        await rm(source(SECOND));
        await qemuIo(source(base), format, ['write -P 0x55 3M 64k']);
        await written(base, 3);
        await snapshot('web.snap3.qcow2', base, format, 5);
        const expected = await qemuBytes(source('web.snap3.qcow2'), 'qcow2');
        expect(await session(1)).toMatchObject([{ result: 'success', algorithm: 'increment' }]);
        expect(await newestShows(expected)).toBe(2);
      },
    );

    it.each(['all', 'latest'] as const)(
      'that were committed and left there keep their copies, and the disk that was written to is copied (%s)',
      async (scope) => {
        const base = await machine('raw');
        await session(0, scope);
        const before = (await findChains(offsite)).chains[0]!.record.points.map(({ id }) => id);
        await blockJob(live(base, 'raw'), 'block-commit', { 'base-node': 'disk0' });
        // Over what the disk and the snapshots had.
        await qemuIo(source(base), 'raw', ['write -P 0x55 0 64k']);
        await written(FIRST, 1);
        await written(SECOND, 2);
        await written(base, 3);
        const expected = await qemuBytes(source(base), 'raw');
        const left = {
          result: 'warning',
          reason: expect.stringMatching(
            /^restore point web\.snap[12]\.qcow2 of .* has other content than when it was copied, because what it builds on was written to after it/,
          ),
        };
        expect(await session(1, scope)).toMatchObject([left]);
        expect(await newestShows(expected)).toBe(before.length + 1);
        expect(await session(2, scope)).toMatchObject([left]);
        const { points } = (await findChains(offsite)).chains[0]!.record;
        expect(points.slice(0, -1).map(({ id }) => id)).toEqual(before);
      },
    );

    it('are copied beside their copies where only what was empty below them was filled later', async () => {
      const base = await machine('raw');
      await session(0);
      const early = await qemuBytes(source(SECOND), 'qcow2');
      await newestShows(early);
      await qemuIo(source(base), 'raw', ['write -P 0x55 3M 64k']);
      await written(base, 3);
      const disk = await qemuBytes(source(base), 'raw');
      const expected = await qemuBytes(source(SECOND), 'qcow2');
      expect(await session(1)).toMatchObject([
        { result: 'warning', reason: expect.stringContaining('web.img was written to after') },
      ]);
      expect(await newestShows(expected)).toBe(3);
      const [chain] = (await findChains(offsite)).chains;
      const shown = await Promise.all(
        chain!.record.points.map(({ disks: [file] }) =>
          qemuBytes(join(folder, 'offsite', chain!.folder, file!.path), file!.format),
        ),
      );
      expect(shown.map((bytes) => bytes.equals(early))).toEqual([true, false, false]);
      expect(shown.map((bytes) => bytes.equals(disk))).toEqual([false, true, false]);
      expect(await session(2)).toMatchObject([{ result: 'warning', committed: [] }]);
    });

    it('are copied once more at most, however often what is empty below them is filled', async () => {
      const base = await machine('raw');
      await session(0, 'latest', 4);
      const early = await qemuBytes(source(SECOND), 'qcow2');
      const states: Buffer[] = [];
      const fill = async (day: number) => {
        await qemuIo(source(base), 'raw', [`write -P ${0x50 + day} ${3072 + day * 64}k 64k`]);
        await written(base, 2 + day);
        states.push(await qemuBytes(source(base), 'raw'));
      };
      const shown = async () => {
        const [chain] = (await findChains(offsite)).chains;
        const images = chain!.record.points.map(({ disks: [file] }) =>
          qemuBytes(join(folder, 'offsite', chain!.folder, file!.path), file!.format),
        );
        return Promise.all(images);
      };
      await fill(1);
      const again = await qemuBytes(source(SECOND), 'qcow2');
      expect(await session(1, 'latest', 4)).toMatchObject([{ committed: { length: 2 } }]);
      await fill(2);
      const left = { result: 'warning', committed: { length: 1 } };
      expect(await session(2, 'latest', 4)).toMatchObject([left]);
      expectSame(await shown(), [early, states[0]!, again, states[1]!]);
      for (const day of [3, 4, 5]) {
        await fill(day);
        expect(await session(day, 'latest', 4)).toMatchObject([left]);
      }
      expectSame(await shown(), states.slice(-4));
    });

    it.each(['raw', 'qcow2'])(
      'of which one takes all that it builds on begin a chain, with the reason (%s)',
      async (format) => {
        const base = await machine(format);
        await session(0);
        await blockJob(live(base, format), 'block-stream', {});
        await written(SECOND, 4);
        await rm(source(FIRST));
        await rm(source(base));
        const expected = await qemuBytes(source(SECOND), 'qcow2');
        const [task, ...others] = await session(1);
        expect(others).toEqual([]);
        expect(task).toMatchObject({ workload: SECOND, result: 'success', algorithm: 'full' });
        expect(task!.notes).toEqual([
          `${SECOND} builds on nothing any more (blockpull, qemu-img rebase), so it is a disk of its own and begins a new chain; its copies of before are restore points of ${base} and stay there`,
        ]);
        expect(await newestShows(expected, SECOND)).toBe(1);
        expect(await session(2)).toMatchObject([{ result: 'nothingToCopy', notes: [] }]);
      },
    );

    it.each<[string, (name: string) => Promise<void>]>([
      ['is damaged', (name) => writeFile(name, 'of another kind')],
      ['is gone', (name) => rm(name)],
      ['is of a version to come', (name) => changeRecord(name, { longhaulChain: 99 })],
    ])(
      'of which one takes all that it builds on are copied where the record of before %s',
      async (_, damage) => {
        const base = await machine('raw');
        await session(0);
        await qemuImg('rebase', '-q', '-f', 'qcow2', '-b', '', source(SECOND));
        await written(SECOND, 4);
        await rm(source(FIRST));
        await rm(source(base));
        const [chain] = (await findChains(offsite)).chains;
        for (const name of ['chain.json', 'chain.json.copy'])
          await damage(join(folder, 'offsite', chain!.folder, name));
        const expected = await qemuBytes(source(SECOND), 'qcow2');
        expect(await session(1)).toMatchObject([{ workload: SECOND, committed: { length: 1 } }]);
        expect(await newestShows(expected, SECOND)).toBe(1);
      },
    );

    it('of which one takes those between it and the disk stay one chain', async () => {
      const base = await machine('raw');
      await session(0);
      const expected = await qemuBytes(source(SECOND), 'qcow2');
      await blockJob(live(base, 'raw'), 'block-stream', {
        'base-node': 'disk0',
        'backing-file': base,
      });
      await rm(source(FIRST));
      await written(SECOND, 4);
      expect(await session(1)).toMatchObject([{ result: 'success', algorithm: 'increment' }]);
      expect(await newestShows(expected)).toBe(2);
    });
  },
);

function expectSame(shown: readonly Buffer[], expected: readonly Buffer[]): void {
  const differences = shown.map((bytes, i) => firstDifference(bytes, expected[i]!));
  expect(differences).toEqual(expected.map(() => null));
}

async function changeRecord(path: string, change: object): Promise<void> {
  const record = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...record, ...change }));
}
