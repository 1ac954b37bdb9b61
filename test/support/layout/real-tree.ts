import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { REAL_FIXTURES } from '../image/real-fixtures.js';
import { copyToRepository, type RepositoryCopy } from './repository-copy.js';

/** Real backups of other tools that may not be handed on with the product. For `it.skipIf(noRealTrees)`. */
export const noRealTrees = REAL_FIXTURES === null;

/** A repository with real trees of the fixtures, unpacked: a folder, each of its `.gz` files under its own name, or an archive of a folder.
 *  @param paths below `real/` of the shared fixtures, `../pbm.tar.zst` for one beside it; a later one is laid over those before */
export async function realTree(...paths: readonly string[]): Promise<RepositoryCopy> {
  const copy = await copyToRepository(null);
  for (const path of paths) await unpackTree(path, copy.at(''));
  return copy;
}

/** @param into an existing folder of this machine */
export async function unpackTree(path: string, into: string): Promise<void> {
  const from = join(REAL_FIXTURES!, path);
  if (path.endsWith('.tar.zst')) {
    await promisify(execFile)('tar', ['--zstd', '-xf', from, '-C', into]);
    return;
  }
  await cp(from, into, { recursive: true });
  const entries = await readdir(into, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.name.endsWith('.gz') || !entry.isFile()) continue;
    const packed = join(entry.parentPath, entry.name);
    await writeFile(packed.slice(0, -'.gz'.length), gunzipSync(await readFile(packed)));
    await rm(packed, { force: true });
  }
}

/** Files by their paths in a repository of its own. */
export async function treeOf(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<RepositoryCopy> {
  const copy = await copyToRepository(null);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(copy.at(path), '..'), { recursive: true });
    await writeFile(copy.at(path), content);
  }
  return copy;
}
