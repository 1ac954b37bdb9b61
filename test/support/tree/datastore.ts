import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Files of datastores after proxmox-backup, docs/file-formats.rst and pbs-datastore/src; none of a server was at hand. */

const SNAPSHOT = 'vm/100/2026-11-24T22:00:00Z';

/** Plain: magic number, CRC-32 of the data, data. */
export function blobFile(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  const head = Buffer.from('42ab3807be8370a100000000', 'hex');
  head.writeUInt32LE(crc32(bytes), 8);
  return Buffer.concat([head, bytes]);
}

/** Encrypted: behind the CRC-32 an initialisation vector and a tag, which it leaves out. */
export function encryptedBlobFile(data: Buffer): Buffer {
  const head = Buffer.alloc(44, 0xe5);
  Buffer.from('7b6785be222d4cf0', 'hex').copy(head);
  head.writeUInt32LE(crc32(data), 8);
  return Buffer.concat([head, data]);
}

/** Of a disk, with chunks of 4 MiB. */
export function fixedIndexFile(digests: readonly string[]): Buffer {
  const list = Buffer.from(digests.join(''), 'hex');
  const head = indexHead('2f7f41ed91fd0fcd', list);
  head.writeBigUInt64LE(BigInt(digests.length * 4_194_304 - 512), 64);
  head.writeBigUInt64LE(4_194_304n, 72);
  return Buffer.concat([head, list]);
}

/** Of an archive: where each chunk ends, and its digest. */
export function dynamicIndexFile(digests: readonly string[]): Buffer {
  const list = Buffer.concat(
    digests.map((digest, index) => {
      const entry = Buffer.alloc(40);
      entry.writeBigUInt64LE(BigInt((index + 1) * 3_000_001));
      entry.write(digest, 8, 'hex');
      return entry;
    }),
  );
  return Buffer.concat([indexHead('1c914ea519bab3cd', list), list]);
}

function indexHead(magic: string, list: Buffer): Buffer {
  const head = Buffer.alloc(4_096);
  head.write(magic, 0, 'hex');
  head.writeBigUInt64LE(1_764_021_600n, 24);
  createHash('sha256').update(list).digest().copy(head, 32);
  return head;
}

export function chunkPath(digest: string): string {
  return `.chunks/${digest.slice(0, 4)}/${digest}`;
}

/** A datastore with many small chunks, an index of more than one window, and one snapshot.
 *  @returns its files by path */
export async function makeDatastore(folder: string, chunks = 1_100): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const digests = Array.from({ length: chunks }, (_, i) => i.toString(16).padStart(64, '0'));
  for (const [i, digest] of digests.entries()) files.set(chunkPath(digest), blobFile(`chunk ${i}`));
  const entries = Array.from({ length: 300_000 }, (_, i) => digests[i % chunks]!);
  files.set('vm/100/owner', Buffer.from('root@pam'));
  files.set(`${SNAPSHOT}/drive-scsi0.img.fidx`, fixedIndexFile(entries));
  files.set(`${SNAPSHOT}/index.json.blob`, blobFile('manifest'));
  await writeFiles(folder, files);
  return files;
}

/** Two machines and a container: four chunks of their own, one of all three.
 *  @returns paths of the chunks by what needs them */
export async function makeSharedDatastore(
  folder: string,
): Promise<Record<'web' | 'mail' | 'box' | 'all', string>> {
  const chunks = new Map<string, Buffer>();
  const chunk = (text: string, pack: (data: Buffer) => Buffer = blobFile): string => {
    const data = Buffer.alloc(9_000, text);
    const digest = createHash('sha256').update(data).digest('hex');
    chunks.set(chunkPath(digest), pack(data));
    return digest;
  };
  const [web, mail, all] = [chunk('web'), chunk('mail', encryptedBlobFile), chunk('all')];
  const box = chunk('box');
  await writeFiles(folder, chunks);
  const snapshot = (of: string) => `${of}/2026-11-24T22:00:00Z`;
  await writeFiles(
    folder,
    new Map([
      [`${snapshot('vm/100')}/drive-scsi0.img.fidx`, fixedIndexFile([all, web, all])],
      [`${snapshot('vm/100')}/index.json.blob`, blobFile('{}')],
      [`${snapshot('vm/101')}/drive-scsi0.img.fidx`, fixedIndexFile([all, mail])],
      [`${snapshot('vm/101')}/index.json.blob`, blobFile('{}')],
      [`${snapshot('ns/dmz/ct/200')}/root.pxar.didx`, dynamicIndexFile([all, box])],
      [`${snapshot('ns/dmz/ct/200')}/index.json.blob`, blobFile('{}')],
    ]),
  );
  return {
    ...{ web: chunkPath(web), mail: chunkPath(mail) },
    ...{ box: chunkPath(box), all: chunkPath(all) },
  };
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}
