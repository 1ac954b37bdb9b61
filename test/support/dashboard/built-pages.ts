import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Where the server looks for them. */
export const PAGES = join(ROOT, 'dist', 'dashboard');

interface Chunk {
  readonly file: string;
  readonly css?: readonly string[];
  /** Keys of chunks that it needs at once. */
  readonly imports?: readonly string[];
}

/** Builds the dashboard from the source as it is now, where the server looks for it. */
export async function buildPages(): Promise<void> {
  const vite = join(
    dirname(createRequire(import.meta.url).resolve('vite/package.json')),
    'bin',
    'vite.js',
  );
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: ROOT });
}

/** Compressed bytes of all that a browser loads to show the page that this source file holds. */
export async function loadedBytes(source: string): Promise<number> {
  const chunks = JSON.parse(
    await readFile(join(PAGES, '.vite', 'manifest.json'), 'utf8'),
  ) as Readonly<Record<string, Chunk>>;
  const files = new Set<string>();
  const visit = (key: string): void => {
    const chunk = chunks[key];
    if (chunk === undefined) throw new Error(`the build has no ${key}`);
    if (files.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
    chunk.imports?.forEach(visit);
  };
  visit('index.html');
  visit(source);
  const sizes = await Promise.all(
    [...files].map(async (file) => gzipSync(await readFile(join(PAGES, file))).length),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
