import { execFile } from 'node:child_process';
import { cp, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

export interface RepositoryCopy {
  readonly repository: BackupRepository;
  /** Path on this machine of a path in the repository. */
  at(path: string): string;
}

/** A repository of its own for one test: a copy of a fixture folder, what a `.tar.gz` of the fixtures holds, or empty. It is removed when the test ends. */
export async function copyToRepository(fixture: string | null): Promise<RepositoryCopy> {
  const rootPath = await mkdtemp(join(tmpdir(), 'layout-'));
  onTestFinished(() => rm(rootPath, { recursive: true, force: true }));
  if (fixture !== null) await putFixture(fixture, rootPath);
  const repository = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: true });
  return { repository, at: (path) => join(rootPath, path) };
}

/** @param fixture below `test/fixtures`
 *  @param into an existing folder of this machine */
export async function putFixture(fixture: string, into: string): Promise<void> {
  const from = join(FIXTURES, fixture);
  if (fixture.endsWith('.tar.gz'))
    await promisify(execFile)('tar', ['-xzf', from, '--no-same-owner', '-C', into]);
  else await cp(from, into, { recursive: true });
}

/** Overwrites bytes of a file in place. */
export async function poke(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}

/** Replaces the parent name that a qcow2 file stores; `null` takes the link away. Offsets: QEMU docs/interop/qcow2.txt, header. */
export async function pokeBackingName(path: string, name: string | null): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const header = Buffer.alloc(20);
    await file.read(header, 0, 20, 0);
    if (name === null) header.fill(0, 8, 20);
    else {
      await file.write(
        Buffer.from(name),
        0,
        Buffer.byteLength(name),
        Number(header.readBigUInt64BE(8)),
      );
      header.writeUInt32BE(Buffer.byteLength(name), 16);
    }
    await file.write(header, 0, 20, 0);
  } finally {
    await file.close();
  }
}
