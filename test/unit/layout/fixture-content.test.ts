import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { SourceWorkload } from '../../../src/domain/sources/source-workload.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';

const run = promisify(execFile);

type Truth = Record<string, Record<string, Record<string, string>>>;

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

/** What qemu-img reads from every disk of a machine when each file's parent is set to the one that the layout found. */
async function readWithQemu(copy: RepositoryCopy, { restorePoints }: SourceWorkload) {
  const digests: Truth[string] = {};
  const raw = copy.at('raw');
  for (const { id, disks } of restorePoints)
    for (const { disk, path, parentRestorePointId } of disks) {
      const parent = restorePoints
        .find((point) => point.id === parentRestorePointId)
        ?.disks.find((other) => other.disk === disk);
      const file = copy.at(path);
      if (parent !== undefined)
        await run('qemu-img', [
          'rebase',
          '-u',
          '-f',
          'qcow2',
          '-F',
          'qcow2',
          '-b',
          copy.at(parent.path),
          file,
        ]);
      await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', file, raw]);
      (digests[id] ??= {})[disk] = await sha256(raw);
      await rm(raw);
    }
  return digests;
}

it.each(['libvirt-push', 'ovirt'])(
  'links the files of the %s fixture so that qemu-img reads every disk at every point as it was',
  async (fixture) => {
    const copy = await copyToRepository(fixture);
    const truth = JSON.parse(await readFile(copy.at('truth.json'), 'utf8')) as Truth;
    const found: Truth = {};
    for (const workload of await scanRepository(copy.repository))
      found[workload.name] = await readWithQemu(copy, workload);
    // Points of libvirt have their creationTime behind the name of the checkpoint.
    const expected = Object.entries(truth).map(([name, points]) => [name, Object.values(points)]);
    const seen = Object.entries(found).map(([name, points]) => [name, Object.values(points)]);
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
  },
);

it('links the push backups of a machine of which a disk was left out, as qemu-img reads them', async () => {
  const copy = await copyToRepository('packed/libvirt-push-vm1.tar.gz');
  const [workload, ...others] = await scanRepository(copy.repository);
  expect(others).toEqual([]);
  const { name, restorePoints } = workload!;
  expect(name).toBe('vm1');
  // vda has `checkpoint='no'` in each of the three documents.
  for (const { state, leftOut } of restorePoints)
    expect([state, leftOut]).toEqual(['complete', expect.stringContaining('vda')]);
  const truth = JSON.parse(await readFile(PACKED_TRUTH, 'utf8')) as Truth;
  const seen = await readWithQemu(copy, workload!);
  expect(Object.values(seen)).toEqual(Object.values(truth['libvirt-push-vm1']!));
});

const PACKED_TRUTH = new URL('../../fixtures/packed/truth.json', import.meta.url);
