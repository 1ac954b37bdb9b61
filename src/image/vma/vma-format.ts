import { opaqueFormat } from '../file/opaque-format.js';
import type { Dialect } from '../disk-image.js';
import type { ImageFormat } from '../image-format.js';
import { openVmaDisk, vmaDisks } from './vma-disk.js';
import { assertAllClusters } from './vma-extents.js';
import { readVmaHeader, type VmaHeader } from './vma-header.js';

/** Archives of Proxmox VE that are not compressed. They travel byte for byte: `qmrestore` takes nothing else, and an archive is always a full.
 *  Their head says which machine it is (`dialect.machineName`, absent when the definition names none). */
export const VMA: ImageFormat = {
  ...opaqueFormat({ id: 'vma', extension: 'vma' }),
  readHead: async (source) => {
    const header = await readVmaHeader(source);
    await assertAllClusters(source, header);
    const name = machineName(header);
    const dialect: Dialect = name === null ? {} : { machineName: name };
    return {
      virtualSizeBytes: source.sizeBytes,
      parent: null,
      linkId: null,
      dialect,
    };
  },
  heldDisks: { list: vmaDisks, open: (source, name) => openVmaDisk(source, name ?? '') },
};

/** `name: web01` in `qemu-server.conf`. What follows a line in brackets are snapshots. */
function machineName({ configs }: VmaHeader): string | null {
  const config = configs.find(({ name }) => name === 'qemu-server.conf')?.text ?? '';
  const current = config.split(/^\[/m)[0]!;
  return /^name:\s*(\S+)\s*$/m.exec(current)?.[1] ?? null;
}
