import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { checkImage, rawDigest } from '../../support/image/qemu-oracle.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const FIXTURE = join(import.meta.dirname, '../../fixtures/libvirt-push');

describe('copy of a libvirt push chain', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-copy-'));
    await cp(FIXTURE, join(folder, 'primary'), { recursive: true });
    await cp(join(FIXTURE, 'truth.json'), join(folder, 'offsite', 'x'), { recursive: true });
    await rm(join(folder, 'offsite', 'x'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function copy() {
    const source = await openDirectoryRepository({
      id: 'primary',
      rootPath: join(folder, 'primary'),
      readOnly: true,
    });
    const target = await openDirectoryRepository({
      id: 'offsite',
      rootPath: join(folder, 'offsite'),
      readOnly: false,
    });
    await new LocalSessions([source, target]).copy(testJob(), Date.parse('2026-11-25T22:00:00Z'));
    const workloads = await listSourceWorkloads(source);
    const { id } = workloads.find(({ name }) => name === 'files01')!;
    const chain = chainFolder('nightly', id);
    const truth = JSON.parse(await readFile(join(FIXTURE, 'truth.json'), 'utf8')) as Record<
      string,
      Record<string, Record<string, string>>
    >;
    return { chain, record: (await readChainRecord(target, chain))!, truth: truth['files01']! };
  }

  it('gives every restore point back byte for byte, as files that qemu-img finds clean', async () => {
    const { chain, record, truth } = await copy();
    const points = availablePoints(record);
    expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
    const seen: Record<string, Record<string, string>> = {};
    for (const [index, point] of points.entries()) {
      const disks: Record<string, string> = {};
      for (const disk of point.disks) {
        const path = join(folder, 'offsite', chain, disk.path);
        await checkImage(path);
        disks[disk.disk] = await rawDigest(path);
      }
      seen[`cp${index + 1}`] = disks;
    }
    expect(seen).toEqual(truth);
  });
});
