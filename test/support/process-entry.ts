import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

// Within the project, so that packages are found from there.
const FOLDER = fileURLToPath(new URL('../../.cache/test-processes', import.meta.url));

/** One file of JavaScript with all that a process of a test runs of the project. A loader of TypeScript costs each process two seconds of a processor,
 *  and tests that kill start dozens.
 *  @param source the TypeScript that the process begins with */
export function processEntry(source: string): Promise<string> {
  let entry = entries.get(source);
  if (entry === undefined) entries.set(source, (entry = bundle(source)));
  return entry;
}

const entries = new Map<string, Promise<string>>();

async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [source],
    plugins: [ownAddresses],
    ...{ bundle: true, packages: 'external', write: false, sourcemap: 'inline' },
    ...{ platform: 'node', format: 'esm', target: 'node20' },
  });
  const code = outputFiles[0]!.contents;
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16);
  mkdirSync(FOLDER, { recursive: true });
  // The name goes by the content: test files that run at once do not get in each other's way.
  const file = join(FOLDER, `${digest}.mjs`);
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

/** Each module keeps its own address: what it looks for beside itself lies beside its source. */
const ownAddresses: Plugin = {
  name: 'own-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      const text = await readFile(path, 'utf8');
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { loader: 'ts', contents };
    });
  },
};
