import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { qemuBytes, requireTool } from '../../support/image/qemu.js';
import { diskOfStreams, streamFile, type StreamOptions } from '../../support/image/stream-file.js';
import { virtnbdrestore } from '../../support/image/virtnbdrestore.js';
import { putFixture } from '../../support/layout/repository-copy.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const run = promisify(execFile);
/** A reader that was written from docs/FORMAT.md alone. */
const READER = join(import.meta.dirname, '..', 'documents', 'read_target.py');
const FIXTURE = join(import.meta.dirname, '../../fixtures/virtnbdbackup');
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 30, 20);
const ALL = { type: 'restorePoints', value: 99 } as const;
const DISKS = ['vdb', 'vdc'];

describe('backups of virtnbdbackup', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-streams-'));
    await cp(FIXTURE, join(folder, 'primary'), { recursive: true });
    await rm(join(folder, 'primary', 'truth.json'));
    await mkdir(join(folder, 'offsite'));
    const at = (id: string) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
    [primary, offsite] = [await at('primary'), await at('offsite')];
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function session(
    changes: Partial<CopyJob> = {},
    day = 0,
  ): Promise<readonly TargetRestorePoint[]> {
    const job = testJob({ restorePoints: 'all', retention: ALL, ...changes });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    return (await readChainRecord(offsite, await chain()))!.points;
  }

  async function chain(): Promise<string> {
    const [workload] = await listSourceWorkloads(primary);
    return chainFolder('nightly', workload!.id);
  }

  const targetFile = async (path: string) => join(folder, 'offsite', await chain(), path);

  /** Files of a disk that a point shows, the full first. */
  async function chainOf(
    points: readonly TargetRestorePoint[],
    index: number,
    disk: string,
  ): Promise<string[]> {
    const paths: string[] = [];
    for (let at: number = index; at >= 0;) {
      const { parentId, disks } = points[at]!;
      paths.unshift(await targetFile(disks.find((entry) => entry.disk === disk)!.path));
      at = points.findIndex(({ id }) => id === parentId);
    }
    return paths;
  }

  async function digestOf(
    points: readonly TargetRestorePoint[],
    index: number,
    disk: string,
  ): Promise<string> {
    const files = await chainOf(points, index, disk);
    const shown = diskOfStreams(await Promise.all(files.map((path) => readFile(path))));
    return sha256(shown);
  }

  async function truth(checkpoint: number, disk: string): Promise<string> {
    const text = await readFile(join(FIXTURE, 'truth.json'), 'utf8');
    const { vm1 } = JSON.parse(text) as { vm1: Record<string, Record<string, string>> };
    return vm1[`virtnbdbackup.${checkpoint}`]![disk]!;
  }

  it('are copied point by point, as plain streams of the same chain', async () => {
    const points = await session();
    expect(points.map(({ kind, disks }) => [kind, disks.map(({ format }) => format)])).toEqual([
      ['full', ['virtnbd', 'virtnbd']],
      ['increment', ['virtnbd', 'virtnbd']],
      ['increment', ['virtnbd', 'virtnbd']],
    ]);
    for (const disk of DISKS)
      for (const checkpoint of [0, 1, 2])
        expect(await digestOf(points, checkpoint, disk)).toBe(await truth(checkpoint, disk));
    if (requireTool('virtnbdrestore')) await restoreByTheirTool(points);
    const verified = await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS + DAY_MS);
    expect(verified).toMatchObject({ state: 'ended', result: 'success' });
    expect(await session({}, 2)).toHaveLength(3);
    const { stdout } = await run('python3', [READER, join(folder, 'offsite', await chain())]);
    const reading = JSON.parse(stdout) as {
      readonly points: readonly { readonly disks: Readonly<Record<string, string>> }[];
      readonly wrong: readonly string[];
    };
    expect(reading.wrong).toEqual([]);
    for (const [checkpoint, { disks }] of reading.points.entries())
      for (const disk of DISKS) expect(disks[disk]).toBe(await truth(checkpoint, disk));
  });

  async function restoreByTheirTool(points: readonly TargetRestorePoint[]): Promise<void> {
    const input = join(folder, 'input');
    await mkdir(input);
    const order: string[] = [];
    for (const disk of DISKS)
      for (const [index, path] of (await chainOf(points, 2, disk)).entries()) {
        const name = `${disk}.${index === 0 ? 'full' : `inc.virtnbdbackup.${index}`}.data`;
        await copyFile(path, join(input, name));
        order.push(name);
      }
    const restored = await virtnbdrestore(input, join(folder, 'output'), order);
    for (const disk of DISKS) expect(sha256(restored.get(disk)!)).toBe(await truth(2, disk));
  }

  it('that the tool has not compressed are copied with the zeros that it has stored as data', async () => {
    const PACKED = join(FIXTURE, '../packed');
    await rm(join(folder, 'primary', 'vm1'), { recursive: true });
    await putFixture('packed/virtnbdbackup-plain.tar.gz', join(folder, 'primary'));
    const points = await session();
    expect(points.map(({ kind, disks }) => [kind, disks.map(({ format }) => format)])).toEqual([
      ['full', ['virtnbd', 'virtnbd']],
      ['increment', ['virtnbd', 'virtnbd']],
      ['increment', ['virtnbd', 'virtnbd']],
    ]);
    const known = JSON.parse(await readFile(join(PACKED, 'truth.json'), 'utf8')) as {
      readonly 'virtnbdbackup-plain': Readonly<Record<string, Readonly<Record<string, string>>>>;
    };
    for (const [checkpoint, disks] of Object.values(known['virtnbdbackup-plain']).entries())
      for (const disk of DISKS) expect(await digestOf(points, checkpoint, disk)).toBe(disks[disk]);
  });

  it('are restored as raw disks, or as a tree that their tool takes', async () => {
    const point = (await session()).at(-1)!;
    const restored = join(folder, 'restored');
    await mkdir(restored);
    const into = await openDirectoryRepository({
      id: folderRepositoryId(restored),
      rootPath: restored,
      readOnly: false,
    });
    const order = { chain: await chain(), pointId: point.id };
    const raw = await restoreInto(into, offsite, { ...order, format: 'raw', disks: ['vdc'] });
    expect(sha256(await readFile(raw[0]!))).toBe(await truth(2, 'vdc'));
    const layout = { ...order, format: 'same', layout: true, intoExisting: true } as const;
    const files = await restoreInto(into, offsite, layout);
    expect(files.map((path) => relative(restored, path)).sort()).toEqual([
      'checkpoints/virtnbdbackup.2.xml',
      'vdb.full.data',
      'vdb.virtnbdbackup.2.qcow.json',
      'vdc.full.data',
      'vdc.virtnbdbackup.2.qcow.json',
      'vm1.cpt',
      'vmconfig.virtnbdbackup.2.xml',
    ]);
    if (!requireTool('virtnbdrestore')) return;
    const images: Readonly<Record<string, string>> = { vdb: 's1.qcow2', vdc: 's2.qcow2' };
    const streams = ['vdb.full.data', 'vdc.full.data'];
    const output = join(folder, 'output');
    const disks = await virtnbdrestore(restored, output, streams, (disk) => images[disk]!);
    for (const disk of DISKS) expect(sha256(disks.get(disk)!)).toBe(await truth(2, disk));
  });

  it('are compared with the sums that their tool has noted, and not copied where one is another', async () => {
    const sumOf = async (name: string): Promise<string> => {
      const path = join(folder, 'primary', 'vm1', name);
      const code = 'import sys, zlib; print(zlib.adler32(open(sys.argv[1], "rb").read()), end="")';
      return (await run('python3', ['-c', code, path])).stdout;
    };
    const note = (name: string, sum: string) =>
      writeFile(join(folder, 'primary', 'vm1', `${name}.chksum`), sum);
    const streams = ['vdb.full.data', 'vdc.full.data', 'vdb.inc.virtnbdbackup.1.data'];
    for (const name of streams) await note(name, await sumOf(name));
    await note('vdc.inc.virtnbdbackup.1.data', '1');
    const points = async () => {
      const job = testJob({ restorePoints: 'all', retention: ALL });
      const [task] = (await new LocalSessions([primary, offsite]).tryToCopy(job, NOW_MS)).tasks;
      const kept = (await readChainRecord(offsite, await chain()))!.points;
      return { task, kept: kept.map(({ kind }) => kind) };
    };
    expect(await points()).toMatchObject({
      kept: ['full'],
      task: {
        code: 'RESTORE_POINT_BROKEN',
        reason: expect.stringMatching(
          /vdc\.inc\.virtnbdbackup\.1\.data has the Adler-32 \d+, and its tool noted 1/,
        ),
      },
    });
    await note('vdc.inc.virtnbdbackup.1.data', await sumOf('vdc.inc.virtnbdbackup.1.data'));
    expect(await points()).toMatchObject({ kept: ['full', 'increment', 'increment'] });
  });

  it('are let go of by writing the oldest that stays as a full', async () => {
    await session();
    let points: readonly TargetRestorePoint[] = [];
    for (let day = 1; day < 5 && points.length !== 1; day++)
      points = await session({ retention: { type: 'restorePoints', value: 1 } }, day);
    expect(points.map(({ kind, disks }) => [kind, disks[0]!.format])).toEqual([
      ['full', 'virtnbd'],
    ]);
    for (const disk of DISKS) expect(await digestOf(points, 0, disk)).toBe(await truth(2, disk));
  });

  it('keep the format where only what changed can be told by comparing', async () => {
    await session({ restorePoints: 'latest' });
    // A new chain in a folder of its own, with the same checkpoints.
    const disk = 'vdb';
    await mkdir(join(folder, 'primary', 'later'));
    const names = ['vmconfig.virtnbdbackup.0.xml', 'vm1.cpt'];
    for (const name of names)
      await copyFile(join(FIXTURE, 'vm1', name), join(folder, 'primary', 'later', name));
    const content = Buffer.alloc(3 * 65_536, 0x5a);
    for (const [name, virtualSize] of [
      [disk, 67_108_864],
      ['vdc', 33_554_432],
    ] as const)
      await writeFile(
        join(folder, 'primary', 'later', `${name}.full.data`),
        streamFile({
          virtualSize,
          disk: name,
          date: '2026-11-29T01:00:00.000001',
          frames: [{ start: 65_536, data: content }],
        }),
      );
    const points = await session({ restorePoints: 'latest' }, 1);
    expect(points.map(({ kind, disks }) => [kind, disks[0]!.format])).toEqual([
      ['full', 'virtnbd'],
      ['increment', 'virtnbd'],
    ]);
    const expected = Buffer.alloc(67_108_864);
    content.copy(expected, 65_536);
    expect(await digestOf(points, 1, disk)).toBe(sha256(expected));
  });

  it('of a disk that ends within a block are kept as qcow2', async () => {
    await rm(join(folder, 'primary', 'vm1'), { recursive: true });
    await mkdir(join(folder, 'primary', 'odd'));
    const virtualSize = 4 * 65_536 + 512;
    const [first, second] = [Buffer.alloc(virtualSize, 0x11), Buffer.alloc(65_536, 0x22)];
    const write = (name: string, options: Partial<StreamOptions>) =>
      writeFile(
        join(folder, 'primary', 'odd', `vda.${name}.data`),
        streamFile({ virtualSize, frames: [], ...options }),
      );
    await write('full', { frames: [{ start: 0, data: first }] });
    await write('inc.virtnbdbackup.1', {
      frames: [{ start: 65_536, data: second }],
      parent: 'virtnbdbackup.0',
      checkpoint: 'virtnbdbackup.1',
      date: '2026-11-25T06:29:49',
    });
    for (const run of [0, 1])
      await writeFile(
        join(folder, 'primary', 'odd', `vmconfig.virtnbdbackup.${run}.xml`),
        '<domain/>',
      );
    const points = await session();
    expect(points.map(({ kind, disks }) => [kind, disks[0]!.format])).toEqual([
      ['full', 'qcow2'],
      ['increment', 'qcow2'],
    ]);
    const shown = await qemuBytes(await targetFile(points[1]!.disks[0]!.path), 'qcow2');
    second.copy(first, 65_536);
    expect(shown.equals(first)).toBe(true);
  });

  it('of disks that were saved raw are kept as they are', async () => {
    await rm(join(folder, 'primary', 'vm1'), { recursive: true });
    await mkdir(join(folder, 'primary', 'raw'));
    const at = (name: string) => join(folder, 'primary', 'raw', name);
    const disk = Buffer.alloc(4 * 65_536 + 512, 0x11);
    await writeFile(at('vda.full.data'), disk);
    const size = JSON.stringify({ 'virtual-size': disk.length });
    await writeFile(at('vda.virtnbdbackup.0.qcow.json'), size);
    await writeFile(at('vmconfig.virtnbdbackup.0.xml'), '<domain/>');
    const points = await session();
    expect(points.map(({ kind, disks }) => [kind, disks[0]!.format])).toEqual([['full', 'raw']]);
    const shown = await readFile(await targetFile(points[0]!.disks[0]!.path));
    expect(shown.equals(disk)).toBe(true);
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
