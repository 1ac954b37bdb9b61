import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In tests and in development everything runs from TypeScript. */
const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');

/** Modules of this folder that threads begin with. */
type ThreadEntry = 'mover-thread' | 'watch-thread';

/** File of the code that a thread begins with: what was built; from source, one file that is put together once in this process. A loader of
 *  TypeScript in each thread took two seconds of processor time for each. */
export function threadEntry(name: ThreadEntry): string {
  if (!RUNS_FROM_SOURCE) return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const entry = bundledEntries.get(name) ?? bundle(name);
  bundledEntries.set(name, entry);
  return entry;
}

const bundledEntries = new Map<ThreadEntry, string>();

/** The name goes by the content: processes of several states of the sources do not get in each other's way. */
function bundle(name: ThreadEntry): string {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    ...{ bundle: true, packages: 'external', write: false },
    ...{ platform: 'node', format: 'esm', target: 'node20' },
  });
  const code = outputFiles[0]!.contents;
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16);
  // Within the project, so that packages are found from there.
  const folder = fileURLToPath(new URL('../../.cache/mover-thread', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${digest}.mjs`);
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
