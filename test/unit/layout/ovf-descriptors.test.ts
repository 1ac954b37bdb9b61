import { describe, expect, it } from 'vitest';
import { FolderFacts, FORGETFUL } from '../../../src/layout/file-facts.js';
import { readOvf, type OvfFile } from '../../../src/layout/ovf/descriptor.js';
import { ovfLayout } from '../../../src/layout/ovf/ovf.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

// Descriptors of vmware/govmomi (test/fixtures/README.md), without the files that they name. What they say was read off their XML by hand.
describe('a descriptor that a product has written, or that was made to mislead', () => {
  const told = (name: string, ...files: readonly string[]) => ({ name, files });
  const DESCRIPTORS: Readonly<Record<string, ReturnType<typeof told>>> = {
    // Of OVF 0.9, whose sections have other names.
    Envelope__Neg__invalid_neg_chunk: told(
      'Envelope__Neg__invalid_neg_chunk',
      '../../../vmdk/valid_disk_1.vmdk disk',
    ),
    'mixed-disks': told('mixed-disks-vm', 'os.vmdk disk 655360000'),
    multiple_disks: told(
      'uber',
      ...['disk0.vmdk', 'disk1.vmdk', 'disk2.vmdk'].map((name) => `${name} disk 10595840`),
      'uber.nvram 8684',
    ),
    'nostalgia-chunkdisk': told('Nostalgia', 'Nostalgia-disk1.vmdk disk chunked 6872576'),
    'nostalgia-two-disks-same': told('Nostalgia', 'nostalgia-disk1.vmdk disk 6872576'),
    'ovftoolresources-gzip_compression': told(
      'ovftoolresources-gzip_compression',
      'valid_disk_gzip.vmdk.gz disk gzip 329197568',
    ),
    'ovftoolresources-identity_compression': told(
      'ovftoolresources-identity_compression',
      'valid_disk.vmdk disk 329197568',
    ),
    'special-chars-in-name__special char.s-in_name': told(
      'ùàçéè',
      'special char.s-in_name-disk1.vmdk disk 68096',
    ),
    standard_ovas__parentDisk: told(
      'Test System',
      'empty-disk.vmdk disk 68096',
      'empty-disk-2.vmdk disk delta 68096',
    ),
    'two-vms-vapp__two-vms-vapp': told(
      'two-vms-vapp',
      'two-vms-vapp-disk1.vmdk disk 68096',
      'two-vms-vapp-disk2.vmdk disk 68096',
    ),
    'ubuntu24.10': told(
      'ubuntu-oracular-24.10-cloudimg-20241109',
      'ubuntu-oracular-24.10-cloudimg.vmdk disk 595726336',
    ),
    'url-encoded-name__url%24encoded%a': told('url%24encoded%a', 'url%24encoded%a-1.vmdk disk'),
    'vbs__efi-nvram__efi-nvram': told(
      'efi-nvram',
      'efi-nvram-disk1.vmdk disk 68096',
      'efi-nvram-file1.nvram 74232',
    ),
    virtualsystemcollection: told('virtualsystemcollection', 'vmdisk1.vmdk disk 2000000000'),
    'vtpm-ovf__vtpm-spec-with-nvram': told(
      'vtpm-spec-with-nvram',
      'vtpm-spec-with-nvram-1.vmdk disk',
      'vtpm-spec-with-nvram-2.nvram 270840',
    ),
    'win2k3ent-64_snapshots__win2k3ent-64_snapshots': told(
      'win2k3ent-64_snapshots',
      'win2k3ent-64_snapshots-disk1.vmdk disk 1281956864',
    ),
    'xp-compress__xp-multinic': told(
      'xp-multinic',
      'disk1.vmdk.gz disk 349302784',
      'disk2.vmdk.gz disk 68608',
    ),
    xp_deltaDisk__xp_deltaDisk: told(
      'xp_deltaDisk',
      'xp_deltaDisk-disk1.vmdk disk 349301248',
      'xp_deltaDisk-disk2.vmdk disk 68096',
      'xp_deltaDisk-disk3.vmdk disk 68096',
    ),
  };

  it('tells its name, its files, and the first one that is not there', async () => {
    const { repository } = await copyToRepository('packed/govmomi.tar.gz');
    const found = await scanWith(ovfLayout, repository);
    const facts = await FolderFacts.of(FORGETFUL, repository, 'govmomi');
    const seen: Record<string, unknown> = {};
    for (const entry of await repository.list('govmomi')) {
      const descriptor = await readOvf(facts, entry);
      const base = entry.name.replace(/\.ovf$/, '');
      const workload = found.find(({ id }) => id.endsWith(`:${encodeURIComponent(base)}`));
      const [{ state, reason } = {}] = workload?.restorePoints ?? [];
      const files = 'value' in descriptor ? descriptor.value.files : [];
      seen[base] = {
        ...told(workload?.name ?? '', ...files.map(fileText)),
        ...{ state, reason },
      };
    }
    const expected = Object.entries(DESCRIPTORS).map(([base, { name, files }]) => {
      const first = files[0]!.split(/ (?=disk)/)[0]!;
      const isOut = first.startsWith('..');
      const reason = isOut
        ? `its descriptor names the file "${first}", which is none of its own folder`
        : `the file "${first}", which it refers to, is not there`;
      return [base, { name, files, state: isOut ? 'broken' : 'incomplete', reason }];
    });
    expect(seen).toEqual(Object.fromEntries(expected));
  });

  function fileText({ href, isDisk, isDelta, isChunked, compression, sizeBytes }: OvfFile): string {
    const words = [isDisk && 'disk', isDelta && 'delta', isChunked && 'chunked'];
    return [href, ...words, compression, sizeBytes].filter(Boolean).join(' ');
  }
});
