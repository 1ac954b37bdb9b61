import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderFacts, FORGETFUL } from '../../../src/layout/file-facts.js';
import { readImageHead } from '../../../src/layout/images/image-head.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { qemuImg, qemuIo, requireTool, temporaryFolder } from '../../support/image/qemu.js';

const KIB = 1024;
const MIB = 1024 * KIB;

describe.skipIf(!requireTool('qemu-img'))('a qcow2 file that ends too soon', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, 'primary', name);
  let repository: BackupRepository;
  beforeAll(async () => {
    await mkdir(join(folder.path, 'primary'));
    const rootPath = join(folder.path, 'primary');
    repository = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: true });
    const noise = Buffer.alloc(3 * MIB, 0);
    for (let i = 0; i < noise.length; i += 7) noise[i] = (i * 31) % 251;
    await writeFile(join(folder.path, 'raw'), noise);
  });
  afterAll(() => folder.remove());

  async function stateOf(name: string): Promise<string> {
    const entry = await repository.stat(name);
    const found = await readImageHead(
      await FolderFacts.of(FORGETFUL, repository, ''),
      entry!,
      'qcow2',
    );
    return 'fault' in found ? found.fault.state : 'complete';
  }

  /** Cut at each of the positions, from the end to the head. */
  async function statesWhenCut(name: string, stepBytes: number): Promise<Set<string>> {
    const states = new Set<string>();
    const { size } = await stat(at(name));
    const first = Math.floor((size - 1) / stepBytes) * stepBytes;
    for (let end = first; end >= 0; end -= stepBytes) {
      await truncate(at(name), end);
      states.add(await stateOf(name));
    }
    return states;
  }

  it.each([
    { options: 'cluster_size=64k', flags: [], stepBytes: 64 * KIB },
    { options: 'cluster_size=4k', flags: [], stepBytes: 4 * KIB },
    { options: 'cluster_size=512', flags: [], stepBytes: 16 * KIB },
    { options: 'cluster_size=2M', flags: [], stepBytes: 2 * MIB },
    { options: 'cluster_size=64k,refcount_bits=1', flags: [], stepBytes: 64 * KIB },
    { options: 'cluster_size=64k,refcount_bits=4', flags: [], stepBytes: 64 * KIB },
    { options: 'cluster_size=64k,refcount_bits=64', flags: [], stepBytes: 64 * KIB },
    { options: 'cluster_size=64k,extended_l2=on', flags: [], stepBytes: 64 * KIB },
    { options: 'cluster_size=64k', flags: ['-c'], stepBytes: 64 * KIB },
  ])(
    'is incomplete wherever it was cut, and complete when it is whole ($options $flags)',
    async ({ options, flags, stepBytes }) => {
      const raw = join(folder.path, 'raw');
      const convert = ['convert', '-f', 'raw', '-O', 'qcow2', '-o', options, ...flags];
      await qemuImg(...convert, raw, at('disk.qcow2'));
      expect(await stateOf('disk.qcow2')).toBe('complete');
      expect([...(await statesWhenCut('disk.qcow2', stepBytes))]).toEqual(['incomplete']);
    },
  );

  it('is incomplete when its clusters were written out of order', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', at('random.qcow2'), '2G');
    const places = [1900, 3, 700, 1200, 4, 701, 1, 1901];
    const writes = places.map((mib, n) => `write -P ${n + 1} ${mib}M 64k`);
    await qemuIo(at('random.qcow2'), 'qcow2', writes);
    expect(await stateOf('random.qcow2')).toBe('complete');
    expect([...(await statesWhenCut('random.qcow2', 64 * KIB))]).toEqual(['incomplete']);
  });

  it.each(['64k', '4k', '1M'])(
    'is incomplete when only the last sector of its last cluster is missing (%s)',
    async (clusterSize) => {
      const raw = join(folder.path, 'raw');
      const options = `cluster_size=${clusterSize}`;
      await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', options, raw, at('short.qcow2'));
      const { size } = await stat(at('short.qcow2'));
      await truncate(at('short.qcow2'), size - 512);
      expect(await stateOf('short.qcow2')).toBe('incomplete');
    },
  );

  it('is complete when what it ends with is a table that qemu-img has not filled up', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', at('empty.qcow2'), '1G');
    expect((await stat(at('empty.qcow2'))).size % (64 * KIB)).not.toBe(0);
    expect(await stateOf('empty.qcow2')).toBe('complete');
  });

  it('is not judged by reference counts that may be stale', async () => {
    const dirty = at('dirty.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', dirty, '1G');
    const bytes = await readFile(dirty);
    bytes.writeUInt8(1, 79); // incompatible feature 0: dirty
    const refcountBlock = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
    bytes.writeUInt16BE(1, refcountBlock + 2 * 5_000);
    await writeFile(dirty, bytes);
    expect(await stateOf('dirty.qcow2')).toBe('complete');
    bytes.writeUInt8(0, 79);
    await writeFile(dirty, bytes);
    expect(await stateOf('dirty.qcow2')).toBe('incomplete');
    await rm(dirty);
  });
});
