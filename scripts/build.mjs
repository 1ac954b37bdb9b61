/** `npm run build`: compiles to dist/, builds the dashboard, bundles the workflows, and makes the command executable.
 *  `--if-stale` as `prepare` of npm does it: not at all when nothing has changed, and without looking at the types, which are a gate of their own
 *  and two thirds of the compiler's time. */

import { execFileSync } from 'node:child_process';
import { chmod, copyFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { build as bundle } from 'esbuild';
import { build } from 'vite';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

// npm runs `prepare` also when `npx longhaul` is used in a clone: a build under a running server would pull its files away.
const isPrepare = process.argv.includes('--if-stale');
if (isPrepare && (await isCurrent())) process.exit(0);
await rm(DIST, { recursive: true, force: true });
compile();
await bundleMoverThread();
await copyFile(join(ROOT, 'src', 'bin', 'longhaul.cjs'), join(DIST, 'src', 'bin', 'longhaul.cjs'));
for (const name of ['longhaul.cjs', 'longhaul.js'])
  await chmod(join(DIST, 'src', 'bin', name), 0o755);
await buildDashboard();
await bundleWorkflows();

function compile() {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [compiler, '-p', join(ROOT, 'tsconfig.build.json')];
  if (isPrepare) args.push('--noCheck');
  try {
    execFileSync(process.execPath, args, { stdio: 'inherit' });
  } catch {
    // The compiler has printed its errors; a stack trace of this script would hide them.
    process.exit(1);
  }
}

/** Whether what a build writes last is newer than everything it is made from. */
async function isCurrent() {
  const built = await stat(join(DIST, 'workflow-bundle.js')).catch(() => null);
  if (built === null) return false;
  const sources = [
    'src',
    'workflows',
    'activities',
    'bench',
    'tsconfig.json',
    'vite.config.js',
    'package-lock.json',
  ];
  const newest = await Promise.all(sources.map((name) => newestMs(join(ROOT, name))));
  return Math.max(...newest) < built.mtimeMs;
}

async function newestMs(path) {
  const entry = await stat(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  const names = await readdir(path);
  const times = await Promise.all(names.map((name) => newestMs(join(path, name))));
  return Math.max(entry.mtimeMs, ...times);
}

/** Each thread of the data mover loads its code anew, and one file costs it less memory than hundreds (docs/PERFORMANCE.md, Memory). Without comments, for the
 *  text stays in memory, too; with names and short lines, for whoever reads a stack. */
async function bundleMoverThread() {
  const file = join(DIST, 'src', 'mover', 'mover-thread.js');
  await bundle({
    ...{ entryPoints: [file], outfile: file, allowOverwrite: true },
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' },
    ...{ minifyWhitespace: true, lineLimit: 160, logLevel: 'warning' },
  });
}

/** The server serves the pages as they are: nothing of them is made at run time. */
async function buildDashboard() {
  await build({ configFile: join(ROOT, 'vite.config.js'), logLevel: 'warn' });
}

/** Workers load the bundle as it is, so that a released program never bundles at start. */
async function bundleWorkflows() {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(DIST, 'workflows', 'index.js'),
    logger: quiet(),
  });
  await writeFile(join(DIST, 'workflow-bundle.js'), code);
}

/** The bundler logs its successes at length; its warnings and errors are what a build should show. */
function quiet() {
  const silent = () => undefined;
  const shown = (message) => console.error(message);
  return { log: silent, trace: silent, debug: silent, info: silent, warn: shown, error: shown };
}
