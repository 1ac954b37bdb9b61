import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A datastore as Proxmox Backup Server lays it out: many small chunks, an index of more than one window, and one snapshot.
 *  @returns its files by path */
export async function makeDatastore(folder: string, chunks = 1_100): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (let i = 0; i < chunks; i++)
    files.set(`.chunks/0000/${i.toString(16).padStart(64, '0')}`, Buffer.from(`chunk ${i}`));
  const index = Buffer.alloc(9 * 1024 * 1024 + 3);
  for (let at = 0; at + 4 < index.length; at += 65_536) index.writeUInt32LE(at + 1, at);
  const snapshot = 'vm/100/2026-11-24T22:00:00Z';
  files.set('vm/100/owner', Buffer.from('root@pam'));
  files.set(`${snapshot}/drive-scsi0.img.fidx`, index);
  files.set(`${snapshot}/index.json.blob`, Buffer.from('manifest'));
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return files;
}
