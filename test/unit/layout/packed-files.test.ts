import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../src/domain/sources/unrecognised.js';
import { rawImageLayout } from '../../../src/layout/agent-images/agent-images.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { treeOf } from '../../support/layout/tree.js';

describe('machines, disks and tars that were packed', () => {
  it('travel as they are, under the type of what is in them, and one that was cut off is told', async () => {
    const packed = gzipSync(Buffer.alloc(4_096, 7));
    const { repository } = await treeOf({
      ...{ 'p/web.ova.gz': packed, 'p/web-2026-11-24.qcow2.gz': packed, 'p/web.vmdk.gz': packed },
      ...{ 'p/web.vhdx.gz': packed, 'p/web.vma.gz': packed, 'p/srv.tgz': packed },
      ...{
        'p/srv.tar.gz': packed.subarray(0, 20),
        'p/web.avhdx.gz': packed,
        'p/web-ctk.vmdk.gz': packed,
      },
    });
    const unrecognised: UnrecognisedFiles[] = [];
    const found = await scanRepository(repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      found.map(({ id, type, restorePoints: [point] }) => [
        id,
        type,
        point?.disks[0]?.format,
        point?.state,
      ]),
    ).toEqual([
      ['disk-p:web.qcow2.gz', 'disk-image', 'gzip', 'complete'],
      ['disk-p:web.vmdk.gz', 'disk-image', 'gzip', 'complete'],
      ['gcp-p:srv.tar.gz', 'google-cloud', 'gzip', 'incomplete'],
      ['gcp-p:srv.tgz', 'google-cloud', 'gzip', 'complete'],
      ['ova-p:web.ova.gz', 'vmware-vsphere', 'gzip', 'complete'],
      ['vhd-p:web.vhdx.gz', 'vhd-image', 'gzip', 'complete'],
      ['vma-p:web.vma.gz', 'proxmox-ve', 'gzip', 'complete'],
    ]);
    expect(unrecognised.flatMap(({ examples }) => examples)).toEqual([
      'web-ctk.vmdk.gz',
      'web.avhdx.gz',
    ]);
  });

  it('are known by each of the endings that packers give', async () => {
    const endings = ['gz', 'zst', 'lz4', 'lzo', 'xz', 'bz2'];
    const names = endings.flatMap((packer) => [
      `a.tar.${packer}`,
      `a.ova.${packer}`,
      `a.vhd.${packer}`,
    ]);
    const { repository } = await treeOf(
      Object.fromEntries(names.map((name) => [`p/${name}`, 'x'])),
    );
    const found = await scanRepository(repository);
    expect(found.map(({ name }) => name).sort()).toEqual(names.sort());
  });
});

describe('disks and streams that were packed', () => {
  it('are known by what packed them', async () => {
    const packed = (ending: string): Record<string, string> => ({ [`p/${ending}`]: 'x' });
    const endings = ['gz', 'zst', 'lz4', 'lzo', 'xz', 'bz2'];
    const { repository } = await treeOf(
      Object.assign({}, ...endings.map((ending) => packed(`a.raw.${ending}`))) as Record<
        string,
        string
      >,
    );
    const workloads = await scanWith(rawImageLayout, repository);
    expect(workloads.map(({ restorePoints }) => restorePoints[0]!.disks[0]!.format).sort()).toEqual(
      ['bzip2', 'gzip', 'lz4', 'lzop', 'xz', 'zstd'],
    );
  });
});
