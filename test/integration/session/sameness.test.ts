import { rename, readFile, rm, utimes, writeFile, copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { rawDigest } from '../../support/image/qemu-oracle.js';
import { qemuImg, qemuIo } from '../../support/image/qemu.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const VDA = '05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44';
const VDB = '16c8f5d2-a4e3-4f79-b81a-5d2e9c3fa055';
const checkpoint = (n: number): string => `0000009${n}-0000-4000-8000-000000000000`;

/** What a session says is there must be what qemu-img reads in the source. Backups as oVirt's tool names them; each disk 8 MiB. */
describeTemporal('what a session calls copied', () => {
  let site: TestSite;
  let workers: TestWorkers;
  beforeAll(async () => {
    site = await TestSite.create(null);
    workers = await TestWorkers.start(site);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  /** One machine in a folder of its own. */
  class Machine {
    readonly job: CopyJob;

    constructor(
      readonly name: string,
      changes: Partial<CopyJob> = {},
    ) {
      const include = [{ repositoryId: 'primary', workloads: [name] }];
      this.job = testJob({ id: name, sources: { include, exclude: [] }, ...changes });
    }

    path(n: number, day: string, kind: 'full' | 'incremental', disk = VDA): string {
      return site.path('primary', this.name, this.fileName(n, day, kind, disk));
    }

    private fileName(n: number, day: string, kind: string, disk: string): string {
      return `${day}020000.${checkpoint(n)}.${disk}.${kind}.qcow2`;
    }

    /** @param writes commands of qemu-io */
    async full(n: number, day: string, writes: string[], disk = VDA): Promise<string> {
      const file = this.path(n, day, 'full', disk);
      await site.makeFolder('primary', this.name);
      await qemuImg('create', '-q', '-f', 'qcow2', file, '8M');
      await qemuIo(file, 'qcow2', writes);
      return file;
    }

    async increment(n: number, day: string, parent: string, writes: string[]): Promise<string> {
      const file = this.path(n, day, 'incremental');
      const backing = parent.slice(parent.lastIndexOf('/') + 1);
      await qemuImg('create', '-q', '-f', 'qcow2', '-b', backing, '-F', 'qcow2', file, '8M');
      await qemuIo(file, 'qcow2', writes);
      return file;
    }

    async run() {
      return (await workers.runSession(this.job)).tasks[0]!;
    }

    async dates(): Promise<string[]> {
      const { points } = (await site.chain(this.job.id, this.name))!;
      return points.map(({ createdAt }) => createdAt.slice(0, 10));
    }

    readBack(): Promise<Record<string, string>[]> {
      return site.readBack(this.job.id, this.name);
    }
  }

  it('is not a full that was made anew with one changed cluster', async () => {
    const machine = new Machine('anew');
    const old = await machine.full(1, '20261101', ['write -P 1 0 4M']);
    await machine.run();
    await rm(old);
    await machine.full(2, '20261102', ['write -P 1 0 4M', 'write -P 2 64k 64k']);
    expect(await machine.run()).toMatchObject({ result: 'actionRequired', committed: [] });
  });

  it('is not a later full of an idle machine, which is a restore point of its own', async () => {
    const machine = new Machine('idle');
    const first = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    await machine.run();
    await copyFile(first, machine.path(2, '20261102', 'full'));
    expect(await machine.run()).toMatchObject({
      result: 'success',
      algorithm: 'increment',
      committed: ['2026-11-02T020000Z'],
      progress: { transferredBytes: 0 },
    });
    const truth = { [VDA]: await rawDigest(first) };
    expect(await machine.readBack()).toEqual([truth, truth]);
  });

  it('is never an increment on a full that was made anew, laid onto the old one', async () => {
    const machine = new Machine('mixed', { onSourceChainRecreated: 'startNewChain' });
    const old = await machine.full(1, '20261101', ['write -P 1 0 4M']);
    await machine.run();
    const before = await machine.readBack();
    await rm(old);
    const full = await machine.full(2, '20261102', ['write -P 1 0 4M', 'write -P 2 64k 64k']);
    const increment = await machine.increment(3, '20261103', full, ['write -P 3 1M 64k']);
    expect((await machine.run()).result).toBe('success');
    expect(await machine.readBack()).toEqual([
      ...before,
      { [VDA]: await rawDigest(full) },
      { [VDA]: await rawDigest(increment) },
    ]);
  });

  it('is told from its files, read once, after they were moved to other storage', async () => {
    const machine = new Machine('moved');
    const full = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    const second = await machine.increment(2, '20261102', full, ['write -P 2 64k 64k']);
    await machine.run();
    for (const file of [full, second]) {
      await writeFile(`${file}.moving`, await readFile(file));
      await rename(`${file}.moving`, file);
      await utimes(file, 1_600_000_000, 1_600_000_000);
    }
    const third = await machine.increment(3, '20261103', second, ['write -P 3 1M 64k']);
    const { result, notes } = await machine.run();
    expect(result).toBe('success');
    expect(notes.filter((note) => note.includes('it is what was copied'))).toHaveLength(2);
    expect((await machine.run()).notes.join()).not.toContain('compared');
    expect(await machine.readBack()).toEqual([
      { [VDA]: await rawDigest(full) },
      { [VDA]: await rawDigest(second) },
      { [VDA]: await rawDigest(third) },
    ]);
  });

  it('is said to be replaced when its name and date hold something else', async () => {
    const machine = new Machine('replaced');
    const full = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    await machine.run();
    const before = await machine.readBack();
    await qemuIo(full, 'qcow2', ['write -P 9 0 64k']);
    expect(await machine.run()).toMatchObject({
      result: 'actionRequired',
      reason: expect.stringContaining('has other content than when it was copied'),
    });
    expect(await machine.readBack()).toEqual(before);
  });

  it('is made again, with what was copied on top of it, when a disk comes late', async () => {
    const machine = new Machine('late');
    const full = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    await machine.full(1, '20261101', ['write -P 5 0 1M'], VDB);
    const second = await machine.increment(2, '20261102', full, ['write -P 2 64k 64k']);
    const third = await machine.increment(3, '20261103', second, ['write -P 3 1M 64k']);
    await machine.run();
    expect((await machine.readBack()).map((disks) => Object.keys(disks).length)).toEqual([2, 1, 1]);
    const late = await machine.full(2, '20261102', ['write -P 6 0 1M'], VDB);

    const { result, notes } = await machine.run();
    expect(result).toBe('success');
    expect(notes).toContainEqual(expect.stringContaining(`its disk ${VDB} was not there`));
    expect(notes).toContainEqual(expect.stringContaining('taken too early and copied again'));
    expect(await machine.dates()).toEqual(['2026-11-01', '2026-11-02', '2026-11-03']);
    expect((await machine.readBack()).slice(1)).toEqual([
      { [VDA]: await rawDigest(second), [VDB]: await rawDigest(late) },
      { [VDA]: await rawDigest(third) },
    ]);
    expect(await machine.run()).toMatchObject({ result: 'nothingToCopy' });
  });

  it('is made again when its file was still being written', async () => {
    const machine = new Machine('half');
    const full = await machine.full(1, '20261101', ['write -P 1 0 4M']);
    const second = await machine.increment(2, '20261102', full, ['write -P 2 64k 64k']);
    await machine.run();
    await qemuIo(second, 'qcow2', ['write -P 2 2M 128k', 'write -P 2 3M 64k']);
    const third = await machine.increment(3, '20261103', second, ['write -P 3 1M 64k']);
    const { result, notes } = await machine.run();
    expect(result).toBe('success');
    expect(notes).toContainEqual(expect.stringContaining('3 blocks of its disk'));
    expect(await machine.dates()).toEqual(['2026-11-01', '2026-11-02', '2026-11-03']);
    expect(await machine.readBack()).toEqual([
      { [VDA]: await rawDigest(full) },
      { [VDA]: await rawDigest(second) },
      { [VDA]: await rawDigest(third) },
    ]);
  });

  it('is everything that came, also behind a point that a wrong clock dates ten years ahead', async () => {
    const machine = new Machine('future');
    const full = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    const ahead = await machine.increment(2, '20361102', full, ['write -P 2 64k 64k']);
    await machine.run();
    const third = await machine.increment(3, '20261103', ahead, ['write -P 3 1M 64k']);
    expect((await machine.run()).committed).toEqual(['2026-11-03T020000Z']);
    const next = await machine.full(4, '20261104', ['write -P 4 0 1M']);
    expect((await machine.run()).committed).toEqual(['2026-11-04T020000Z']);
    expect(await machine.readBack()).toEqual(
      await Promise.all(
        [full, ahead, third, next].map(async (file) => ({ [VDA]: await rawDigest(file) })),
      ),
    );
    expect((await machine.run()).committed).toEqual([]);
  });

  it('does not come back once retention has let go of it, nor when it was passed over', async () => {
    const machine = new Machine('gone', {
      retention: { type: 'restorePoints', value: 2 },
      restorePoints: 'latest',
    });
    let parent = await machine.full(1, '20261101', ['write -P 1 0 1M']);
    parent = await machine.increment(2, '20261102', parent, ['write -P 2 64k 64k']);
    await machine.run();
    for (const n of [3, 4, 5]) {
      parent = await machine.increment(n, `2026110${n}`, parent, [`write -P ${n} 1M 64k`]);
      expect((await machine.run()).committed).toEqual([`2026-11-0${n}T020000Z`]);
    }
    expect(await machine.dates()).toEqual(['2026-11-04', '2026-11-05']);
    expect(await machine.run()).toMatchObject({ result: 'nothingToCopy', committed: [] });
    expect((await workers.runSession({ ...machine.job, restorePoints: 'all' })).result).toBe(
      'nothingToCopy',
    );
  });
});
