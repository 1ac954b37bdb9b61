import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { aixBackupFile } from '../../support/image/aix-backup-file.js';
import { qemuBytes, qemuImg, requireTool } from '../../support/image/qemu.js';
import { streamFixture } from '../../support/image/stream-fixture.js';
import { makeLayoutKnown } from '../../support/layout/known-layout.js';
import { wholeLayout } from '../../support/layout/whole-layout.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const NOW_MS = Date.UTC(2026, 10, 26, 20);
const DAY_MS = 86_400_000;
const WRITTEN_AT = new Date('2026-11-20T22:00:00Z');

const A = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const DOMAIN = `<domain type="kvm"><name>hc</name><scale:os/><devices><disk><source name="scribe/${A}"/></disk></devices></domain>`;
const ENVELOPE =
  '<Envelope xmlns:ovf="o"><References><File ovf:id="f" ovf:href="vm-disk1.vmdk"/></References><DiskSection><Disk ovf:fileRef="f"/></DiskSection></Envelope>';

const AIX_BACKUP = aixBackupFile({ './etc/hosts': Buffer.alloc(65_537, '127.0.0.1 loopback\n') });

describe.skipIf(!requireTool('qemu-img'))('one repository with a tree of each layout', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('layouts'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const source = (path: string) => join(folder, 'primary', path);

  async function put(path: string, content: string | Buffer): Promise<void> {
    await mkdir(dirname(source(path)), { recursive: true });
    await writeFile(source(path), content);
    await utimes(source(path), WRITTEN_AT, WRITTEN_AT);
  }

  /** A disk of 1 MiB with data of its own, as qemu-img makes it. */
  async function disk(path: string, seed: number, ...options: string[]): Promise<void> {
    const raw = join(folder, 'raw');
    await writeFile(raw, noise(seed));
    await mkdir(dirname(source(path)), { recursive: true });
    const format = path.slice(path.lastIndexOf('.') + 1);
    await qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, source(path));
    await utimes(source(path), WRITTEN_AT, WRITTEN_AT);
  }

  async function writeTrees(): Promise<void> {
    await put('ahv/web-' + A + '-20261120', noise(1));
    await put(
      'ahv/web-' + A + '-20261121',
      Buffer.concat([noise(1).subarray(0, 900_000), noise(2).subarray(900_000)]),
    );
    await disk(`scale/hc/${A}.qcow2`, 3, '-o', 'compat=0.10');
    await put('scale/hc/hc.xml', DOMAIN);
    await disk('vcd/vm/vm-disk1.vmdk', 4, '-o', 'subformat=streamOptimized');
    const sha = createHash('sha256').update(ENVELOPE).digest('hex');
    await put('vcd/vm/vm.mf', `SHA256(vm.ovf)= ${sha}\n`);
    await put('vcd/vm/vm.ovf', ENVELOPE);
    const tar = [
      '-c',
      '--format=ustar',
      '-C',
      source('vcd/vm'),
      'vm.ovf',
      'vm.mf',
      'vm-disk1.vmdk',
    ];
    await put('vcd/vm-2026-11-20.ova', execFileSync('tar', tar, { maxBuffer: 32 * SIZE_BYTES }));
    await put('ec2/export-i-1234567890abcdef0.raw', noise(5));
    await put('mac/ann-2026-11-20.dmg', noise(6).subarray(0, 100_001));
    await put('sun/pool.zfs', streamFixture('replicated.zfs'));
    await put('aix/node.mksysb', AIX_BACKUP);
  }

  /** Workload type → what its copies hold: format and SHA-256 of each disk file, names of companions. */
  async function copies(): Promise<Record<string, unknown[]>> {
    const found: Record<string, unknown[]> = {};
    const { chains } = await findChains(offsite);
    for (const { folder: chain, record } of chains)
      for (const point of record.points) {
        const files = await Promise.all(
          point.disks.map(async ({ path, format }) => {
            const at = join(folder, 'offsite', chain, path);
            const bytes = format === 'qcow2' ? await qemuBytes(at, 'qcow2') : await readFile(at);
            return `${format} ${digestOf(bytes)}`;
          }),
        );
        const companions = point.companions.map(({ path }) => basename(path));
        (found[record.workload.type] ??= []).push([...files, ...companions]);
      }
    return found;
  }

  /** Where the only point of the only chain lies as its tool looks for it, or its disks do. */
  async function restoredTree(
    format: 'same' | 'raw' | 'qcow2' = 'same',
    name = 'restored',
  ): Promise<string> {
    const to = join(folder, name);
    await mkdir(to);
    const destination = await openDirectoryRepository({
      ...{ id: folderRepositoryId(to), rootPath: to, readOnly: false },
    });
    const { record } = (await findChains(offsite)).chains[0]!;
    const key = [record.jobId, record.workload.id, record.points[0]!.id];
    const restored = await new LocalSessions([primary, offsite, destination]).restore(
      {
        ...{ repositoryId: 'offsite', restorePointId: restorePointKey(key) },
        ...{ destinationPath: to, format, layout: format === 'same' },
      },
      NOW_MS + 2 * DAY_MS,
    );
    expect(restored).toMatchObject({ state: 'ended', result: 'success' });
    return to;
  }

  it('is copied by one job, each in its own format, byte for byte where its tool needs that', async () => {
    await writeTrees();
    const job = testJob({ restorePoints: 'all' });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS);
    const sourceDigest = async (path: string) => digestOf(await readFile(source(path)));
    const ova = await sourceDigest('vcd/vm-2026-11-20.ova');
    const stream = await sourceDigest('vcd/vm/vm-disk1.vmdk');
    const found = await copies();
    expect(found).toMatchObject({
      'scale-hypercore': [[`qcow2 ${digestOf(noise(3))}`, 'hc.xml']],
      'amazon-ec2': [[`raw ${digestOf(noise(5))}`]],
      'mac-image': [[`dmg ${digestOf(noise(6).subarray(0, 100_001))}`]],
      'solaris-stream': [[`zfs-stream ${digestOf(streamFixture('replicated.zfs'))}`]],
      'aix-mksysb': [[`aix-backup ${digestOf(AIX_BACKUP)}`]],
    });
    expect(new Set(found['vmware-vsphere']!.map((files) => JSON.stringify(files)))).toEqual(
      new Set(
        [[`ova ${ova}`], [`vmdk-stream ${stream}`, 'vm.ovf', 'vm.mf']].map((files) =>
          JSON.stringify(files),
        ),
      ),
    );
    const [first, second] = found['nutanix-ahv'] as string[][];
    expect(first).toEqual([`raw ${digestOf(noise(1))}`]);
    expect(second).toHaveLength(1);
    const status = await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS + DAY_MS);
    expect(status).toMatchObject({ state: 'ended', result: 'success' });
  });

  it('gives an OVF package back whose manifest its own digests prove', async () => {
    await disk('vcd/vm/vm-disk1.vmdk', 4, '-o', 'subformat=streamOptimized');
    await put('vcd/vm/vm.ovf', ENVELOPE);
    const sums = execFileSync('sha256sum', ['--tag', 'vm.ovf', 'vm-disk1.vmdk'], {
      cwd: source('vcd/vm'),
    });
    await put('vcd/vm/vm.mf', sums);
    await new LocalSessions([primary, offsite]).copy(testJob({ restorePoints: 'all' }), NOW_MS);
    const to = await restoredTree();
    expect((await readdir(to)).sort()).toEqual(['vm-disk1.vmdk', 'vm.mf', 'vm.ovf']);
    // The tag form of coreutils is that of a manifest.
    const checked = execFileSync('sha256sum', ['--check', '--strict', 'vm.mf'], { cwd: to });
    expect(checked.toString()).toBe('vm.ovf: OK\nvm-disk1.vmdk: OK\n');
    expect((await stat(join(to, 'vm.ovf'))).mtime).toEqual(WRITTEN_AT);
  });

  it.each<{ readonly tool: string; readonly tree: Readonly<Record<string, string>> }>([
    {
      tool: 'Import-VM',
      tree: {
        'web/Virtual Hard Disks/web.vhdx': 'Virtual Hard Disks/web.vhdx',
        [`web/Virtual Machines/${A}.vmcx`]: `Virtual Machines/${A}.vmcx`,
        [`web/Virtual Machines/${A}.vmrs`]: `Virtual Machines/${A}.vmrs`,
      },
    },
    { tool: 'HyperCore', tree: { [`hc/${A}.qcow2`]: `${A}.qcow2`, 'hc/hc.xml': 'hc.xml' } },
    { tool: 'acli of AHV', tree: { 'web01-scsi.0.qcow2': 'web01-scsi.0.qcow2' } },
    {
      tool: 'upload_disk.py of oVirt',
      tree: {
        [`20261120220000.None.${A}.full.qcow2`]: `20261120220000.None.${A}.full.qcow2`,
        [`web-${A}.ovf`]: `web-${A}.ovf`,
      },
    },
  ])('gives a tree back as $tool looks for it', async ({ tree }) => {
    const [path = '', ...beside] = Object.keys(tree);
    await disk(path, 4);
    for (const name of beside) await put(name, name.endsWith('.xml') ? DOMAIN : '<Envelope/>');
    await new LocalSessions([primary, offsite]).copy(testJob({ restorePoints: 'all' }), NOW_MS);
    const to = await restoredTree();
    const entries = await readdir(to, { recursive: true, withFileTypes: true });
    const files = entries.flatMap((entry) =>
      entry.isFile() ? [relative(to, join(entry.parentPath, entry.name))] : [],
    );
    expect(files.sort()).toEqual(Object.values(tree).sort());
    const format = path.slice(path.lastIndexOf('.') + 1);
    const image = await qemuBytes(join(to, Object.values(tree)[0]!), format);
    expect(image.equals(noise(4))).toBe(true);
  });

  it.each([
    ['an OVA', 'vm.ova', 'vm-disk1.vmdk.raw'],
    ['an OVF package', 'package/vm.ovf', 'vm-disk1.vmdk.raw'],
    ['a VMDK that lies alone', 'vm-disk1.vmdk', 'image.raw'],
  ])('gives the disk of %s as a raw one, as the workflow restores it', async (_what, kept, raw) => {
    await disk('package/vm-disk1.vmdk', 4, '-o', 'subformat=streamOptimized');
    await put('package/vm.ovf', ENVELOPE);
    const from = source('package');
    if (kept === 'vm.ova') {
      const tar = ['-c', '--format=ustar', '-C', from, './vm.ovf', './vm-disk1.vmdk'];
      await put(kept, execFileSync('tar', tar, { maxBuffer: 32 * SIZE_BYTES }));
    }
    if (kept === 'vm-disk1.vmdk') await put(kept, await readFile(join(from, kept)));
    if (!kept.startsWith('package/')) await rm(from, { recursive: true });
    await new LocalSessions([primary, offsite]).copy(testJob({ restorePoints: 'all' }), NOW_MS);
    const to = await restoredTree('raw');
    expect(await readdir(to)).toEqual([raw]);
    expect((await readFile(join(to, raw))).equals(noise(4))).toBe(true);
  });

  it.each([
    ['qcow2', ['-o', 'cluster_size=64k']],
    ['raw', []],
    ['vhdx', []],
    ['vmdk', ['-o', 'subformat=monolithicSparse']],
    ['vpc', ['-o', 'subformat=dynamic,force_size=on']],
  ])('gives a %s out of an OVA, whose blocks lie somewhere in it', async (format, options) => {
    const name = `vm-disk1.${format === 'vpc' ? 'vhd' : format}`;
    const raw = join(folder, 'raw');
    await writeFile(raw, noise(4));
    await mkdir(source('package'));
    const image = source(`package/${name}`);
    await qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, image);
    await put('package/vm.ovf', ENVELOPE.replace('vm-disk1.vmdk', name));
    const tar = ['-c', '--format=ustar', '-C', source('package'), 'vm.ovf', name];
    await put('vm.ova', execFileSync('tar', tar, { maxBuffer: 32 * SIZE_BYTES }));
    await rm(source('package'), { recursive: true });
    await new LocalSessions([primary, offsite]).copy(testJob({ restorePoints: 'all' }), NOW_MS);
    const to = await restoredTree('raw');
    expect((await readFile(join(to, `${name}.raw`))).equals(noise(4))).toBe(true);
    const qcow2 = await restoredTree('qcow2', 'restored2');
    expect((await qemuBytes(join(qcow2, `${name}.qcow2`), 'qcow2')).equals(noise(4))).toBe(true);
  });

  it('takes up a layout that nothing knows but a row', async () => {
    await put('a/web.whole', noise(9));
    const job = testJob({ restorePoints: 'all' });
    const before = await new LocalSessions([primary, offsite]).tryToCopy(job, NOW_MS);
    expect(before.tasks.map(({ code }) => code)).toEqual(['SOURCE_EMPTY']);
    makeLayoutKnown(wholeLayout);
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + DAY_MS);
    expect(await copies()).toEqual({ 'whole-machine': [[`raw ${digestOf(noise(9))}`]] });
    expect(await readFile(join(await restoredTree(), 'web.whole'))).toEqual(noise(9));
  });
});

const SIZE_BYTES = 1_048_576;

function noise(seed: number): Buffer {
  const bytes = Buffer.alloc(SIZE_BYTES);
  for (let at = 0; at < SIZE_BYTES; at += 4)
    bytes.writeUInt32LE(Math.imul(at + seed * 7_919, 2_654_435_761) >>> 0, at);
  return bytes;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
