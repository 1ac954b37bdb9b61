import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../../../src/repository/directory-repository.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { checkImage, rawDigest } from '../../support/image/qemu-oracle.js';

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

  async function setUp() {
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
    const mover = new InProcessMover(source, target);
    const workloads = await listSourceWorkloads(source);
    const workload = workloads.find(({ name }) => name === 'files01')!;
    const order = {
      jobId: 'nightly',
      owner: 'session-1',
      workload: { id: workload.id, name: workload.name, type: 'libvirt-kvm' as const },
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      restorePoints: 'all' as const,
    };
    const truth = JSON.parse(await readFile(join(FIXTURE, 'truth.json'), 'utf8')) as Record<
      string,
      Record<string, Record<string, string>>
    >;
    return { mover, order, workload, truth: truth['files01']! };
  }

  it('gives every restore point back byte for byte, as files that qemu-img finds clean', async () => {
    const { mover, order, truth } = await setUp();
    await mover.copy(order);
    const points = availablePoints(await mover.chain(order));
    expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
    const seen: Record<string, Record<string, string>> = {};
    for (const [index, point] of points.entries()) {
      const disks: Record<string, string> = {};
      for (const disk of point.disks) {
        const path = join(folder, 'offsite', chainFolder('nightly', order.workload.id), disk.path);
        await checkImage(path);
        disks[disk.disk] = await rawDigest(path);
      }
      seen[`cp${index + 1}`] = disks;
    }
    expect(seen).toEqual(truth);
  });
});
