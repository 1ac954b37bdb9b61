import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** SHA-256 of what qemu-img reads through the whole backing chain of a qcow2 file. */
export async function rawDigest(path: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-raw-'));
  try {
    const raw = join(folder, 'disk.raw');
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', path, raw]);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(raw)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Fails unless `qemu-img check` finds neither errors nor leaks. */
export async function checkImage(path: string): Promise<void> {
  await run('qemu-img', ['check', '-f', 'qcow2', path]);
}
