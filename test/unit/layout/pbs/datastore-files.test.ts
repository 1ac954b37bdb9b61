import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHUNK_INDEXES, isSoundBlob } from '../../../../src/layout/pbs/datastore-files.js';
import {
  blobFile,
  chunkPath,
  dynamicIndexFile,
  encryptedBlobFile,
  fixedIndexFile,
} from '../../../support/tree/datastore.js';

const DIGESTS = Array.from({ length: 25_000 }, (_, index) =>
  createHash('sha256').update(String(index)).digest('hex'),
);

async function read(bytes: Buffer): Promise<{ fault: string | null; names: string[] }> {
  const names: string[] = [];
  const fault = await CHUNK_INDEXES.read(
    {
      sizeBytes: bytes.length,
      read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    },
    (path) => names.push(path),
  );
  return { fault, names };
}

/** @param at a negative one counts from the end */
function spoilt(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  const place = at < 0 ? bytes.length + at : at;
  changed.writeUInt8(changed.readUInt8(place) ^ 1, place);
  return changed;
}

describe.each([
  ['of a disk', fixedIndexFile(DIGESTS)],
  ['of an archive', dynamicIndexFile(DIGESTS)],
])('an index %s of Proxmox Backup Server', (_, bytes) => {
  it('names each of its chunks', async () => {
    const { fault, names } = await read(bytes);
    expect(fault).toBeNull();
    expect(names).toEqual(DIGESTS.map(chunkPath));
  });

  it.each<[string, Buffer, RegExp]>([
    ['cut within its head', bytes.subarray(0, 4_000), /no whole head/],
    ['cut within an entry', bytes.subarray(0, -1), /another length/],
    ['of another magic number', spoilt(bytes, 3), /no index of chunks/],
    ['with a digest that has changed', spoilt(bytes, -5), /the sum that its head says/],
    ['with a sum that has changed', spoilt(bytes, 40), /the sum that its head says/],
  ])('%s is refused', async (_name, changed, reason) => {
    expect((await read(changed)).fault).toMatch(reason);
  });

  it('without one of its entries is refused', async () => {
    const entryBytes = (bytes.length - 4_096) / DIGESTS.length;
    expect((await read(bytes.subarray(0, -entryBytes))).fault).toMatch(/length|sum/);
  });
});

it('an index whose chunks have no size is refused, and one of nothing is read', async () => {
  const bytes = fixedIndexFile(DIGESTS.slice(0, 2));
  bytes.writeBigUInt64LE(0n, 72);
  expect((await read(bytes)).fault).toMatch(/another length/);
  expect(await read(dynamicIndexFile([]))).toEqual({ fault: null, names: [] });
});

describe('a chunk or blob of Proxmox Backup Server', () => {
  const CHUNK = chunkPath(DIGESTS[0]!);
  const files: Record<string, Buffer> = {
    plain: blobFile('4 MiB of a disk'),
    encrypted: encryptedBlobFile(Buffer.from('what nobody reads')),
    // docs/file-formats.rst; the data are those of any zstd frame.
    packed: Buffer.concat([
      Buffer.from('31b958426fb6a37f', 'hex'),
      blobFile('as packed').subarray(8),
    ]),
  };

  it.each(Object.keys(files))('is sound, and not when a byte of it has changed: %s', (name) => {
    const bytes = files[name]!;
    for (const path of [CHUNK, 'vm/100/2026-11-24T22:00:00Z/index.json.blob']) {
      expect(isSoundBlob(path, bytes)).toBe(true);
      for (const at of [2, 9, -1]) expect(isSoundBlob(path, spoilt(bytes, at))).toBe(false);
      for (const end of [0, 7, 11]) expect(isSoundBlob(path, bytes.subarray(0, end))).toBe(false);
    }
  });

  it('is what other files of a datastore need not be', () => {
    for (const path of ['vm/100/owner', 'vm/100/2026-11-24T22:00:00Z/drive-scsi0.img.fidx'])
      expect(isSoundBlob(path, Buffer.from('x'))).toBe(true);
  });
});
