import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SourceWorkload } from '../../../src/domain/sources/source-workload.js';
import { qemuImg } from '../image/qemu.js';
import { copyToRepository, type RepositoryCopy } from './repository-copy.js';

/** When the files of a tree were last written to, unless a test says otherwise. */
export const WRITTEN_AT = new Date('2026-11-24T22:00:00.000Z');

/** A repository with these files: text or bytes as they are, a number: that many bytes of data. */
export async function treeOf(
  files: Readonly<Record<string, string | Uint8Array | number>>,
): Promise<RepositoryCopy> {
  const copy = await copyToRepository(null);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(copy.at(path)), { recursive: true });
    const bytes = typeof content === 'number' ? Buffer.alloc(content, 0x5a) : content;
    await writeFile(copy.at(path), bytes);
    await utimes(copy.at(path), WRITTEN_AT, WRITTEN_AT);
  }
  return copy;
}

/** A disk of 1 MiB that qemu-img makes at this place of the repository. */
export async function makeDisk(
  { at }: RepositoryCopy,
  path: string,
  ...options: string[]
): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await qemuImg(
    'create',
    '-q',
    '-f',
    path.slice(path.lastIndexOf('.') + 1),
    ...options,
    at(path),
    '1M',
  );
  await utimes(at(path), WRITTEN_AT, WRITTEN_AT);
}

/** What a test says of workloads: id, name and type, and each point with its state and its disks. */
export function shown(workloads: readonly SourceWorkload[]) {
  return workloads.map(({ id, name, type, restorePoints }) => ({
    ...{ id, name, type },
    points: restorePoints.map((point) => [
      point.id,
      new Date(point.createdAtMs).toISOString(),
      point.reason === null ? point.state : `${point.state}: ${point.reason}`,
      ...point.disks.map(({ disk, format, path }) => `${disk} ${format} ${path}`),
      ...point.companions.map(({ path, as = '-' }) => `${as} = ${path}`),
    ]),
  }));
}
