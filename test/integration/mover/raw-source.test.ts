import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { requireTool } from '../../support/image/qemu.js';
import { BLOCKS, LibvirtMachine, type Content } from '../../support/living/libvirt-machine.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const run = promisify(execFile);
/** A reader that was written from docs/FORMAT.md alone. */
const READER = join(import.meta.dirname, '..', 'documents', 'read_target.py');
interface Reading {
  readonly points: readonly { readonly disks: { readonly vda: string } }[];
  readonly wrong: readonly string[];
}
const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 10, 1, 20);
const NOW_MS = Date.UTC(2026, 10, 20, 20);

describe.skipIf(!requireTool('qemu-img'))('a source whose fulls are raw', () => {
  let folder: string;
  let machine: LibvirtMachine;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  let made = 0;
  beforeEach(async () => {
    made = 0;
    ({ folder, primary, offsite } = await sourceAndTarget('raw'));
    const livePath = join(folder, 'live.raw');
    await writeFile(livePath, Buffer.alloc(BLOCKS * 65_536));
    machine = new LibvirtMachine(join(folder, 'primary'), livePath);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** As `virsh backup-begin` writes it when the target is to be raw. */
  async function rawFull(): Promise<Content> {
    const { name } = await machine.full(FIRST_MS + made * DAY_MS);
    made++;
    const file = (end: string) => join(folder, 'primary', 'vm', `vda.${name}.${end}`);
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', file('qcow2'), file('raw')]);
    await rm(file('qcow2'));
    const closed = new Date();
    await utimes(join(folder, 'primary', 'vm', `checkpoint.${name}.xml`), closed, closed);
    return [...machine.content];
  }

  async function increment(): Promise<Content> {
    await machine.increment(FIRST_MS + made * DAY_MS);
    made++;
    return [...machine.content];
  }

  async function session(
    retention: CopyJob['retention'],
    day = 0,
    changes: Partial<CopyJob> = {},
  ): Promise<string[]> {
    const job = testJob({ retention, ...changes });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    const record = await readChainRecord(offsite, await chain());
    return record!.points.map(({ disks }) => disks[0]!.path);
  }

  async function chain(): Promise<string> {
    const [workload] = await listSourceWorkloads(primary);
    return chainFolder('nightly', workload!.id);
  }

  const targetFile = async (path: string) => join(folder, 'offsite', await chain(), path);

  /** By qemu-img, which follows the names in the files. */
  async function shown(path: string): Promise<number[]> {
    const file = await targetFile(path);
    const [format, out] = [path.split('.').at(-1)!, join(folder, 'shown')];
    await run('qemu-img', ['convert', '-f', format, '-O', 'raw', file, out]);
    const bytes = await readFile(out);
    expect(bytes).toHaveLength(BLOCKS * 65_536);
    return Array.from({ length: BLOCKS }, (_, block) => {
      const part = bytes.subarray(block * 65_536, (block + 1) * 65_536);
      expect(part.equals(Buffer.alloc(65_536, part[0]))).toBe(true);
      return part[0]!;
    });
  }

  const ALL = { type: 'restorePoints', value: 99 } as const;

  it('has raw fulls in its copy, byte for byte, and qcow2 increments that name them', async () => {
    const first = await rawFull();
    machine.work([[2, 9]]);
    const second = await increment();
    const paths = await session(ALL);
    expect(paths.map((path) => path.split('.').at(-1))).toEqual(['raw', 'qcow2']);
    const copied = await readFile(await targetFile(paths[0]!));
    expect(copied.equals(await readFile(join(folder, 'primary', 'vm', 'vda.cp1.raw')))).toBe(true);
    expect([await shown(paths[0]!), await shown(paths[1]!)]).toEqual([first, second]);
    const { stdout } = await run('qemu-img', [
      'info',
      '--output=json',
      await targetFile(paths[1]!),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ 'backing-filename-format': 'raw' });
    const read = await run('python3', [READER, join(folder, 'offsite', await chain())]);
    const sha256 = (content: Content) =>
      createHash('sha256')
        .update(Buffer.concat(content.map((value) => Buffer.alloc(65_536, value))))
        .digest('hex');
    const { points, wrong } = JSON.parse(read.stdout) as Reading;
    expect(points.map(({ disks }) => disks.vda)).toEqual([sha256(first), sha256(second)]);
    expect(wrong).toEqual([]);
  });

  it('has later raw fulls as increments of what changed', async () => {
    const contents = [await rawFull()];
    machine.work([[5, 0x44]]);
    contents.push(await rawFull());
    const paths = await session(ALL);
    expect(paths.map((path) => path.split('.').at(-1))).toEqual(['raw', 'qcow2']);
    expect([await shown(paths[0]!), await shown(paths[1]!)]).toEqual(contents);
    const record = await readChainRecord(offsite, await chain());
    // Header, one block, and five clusters of tables: the disk has 16 blocks.
    expect(record!.points[1]!.disks[0]!.sizeBytes).toBeLessThan(8 * 65_536);
  });

  it('lets a raw full go by writing the next point as a whole, and merges from then on', async () => {
    await rawFull();
    const contents: Content[] = [];
    for (const value of [1, 2, 3]) {
      machine.work([[value, 0x20 + value]]);
      contents.push(await increment());
    }
    await session(ALL);
    let paths: string[] = [];
    for (let day = 1; day < 6 && paths.length !== 2; day++)
      paths = await session({ type: 'restorePoints', value: 2 }, day);
    expect(paths.map((path) => path.split('.').at(-1))).toEqual(['qcow2', 'qcow2']);
    expect([await shown(paths[0]!), await shown(paths[1]!)]).toEqual(contents.slice(1));
  });

  it('never writes a raw full anew to make it compact: nothing is merged into it', async () => {
    await rawFull();
    const [path = ''] = await session(ALL);
    const { ino } = await stat(await targetFile(path));
    const compact = { every: 'week', day: 'sunday', time: '05:00', timeZone: 'UTC' } as const;
    await session(ALL, 14, { compact });
    expect((await stat(await targetFile(path))).ino).toBe(ino);
  });

  it('heals a damaged raw file from its source', async () => {
    const content = await rawFull();
    const [path = ''] = await session(ALL);
    const file = await open(await targetFile(path), 'r+');
    await file.write('damaged', 3 * 65_536 + 5);
    await file.close();
    const { notes } = await new LocalSessions([primary, offsite]).verify(
      'offsite',
      NOW_MS + DAY_MS,
    );
    expect(notes.join()).toContain('was corrupt and was healed from the source');
    expect(await shown(path)).toEqual(content);
  });
});
