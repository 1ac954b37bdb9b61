import { execFile } from 'node:child_process';
import { access, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TEMPORAL = 'go.temporal.io/server';
/** As old as the development server of the tests. */
const VERSION = 'v1.32.0';
const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'temporal-cluster', 'bin');
/** Where Debian puts what it leaves out of PATH. */
const DEBIAN_POSTGRESQL = '/usr/lib/postgresql';

export interface ClusterPrograms {
  readonly temporalServer: string;
  /** Makes databases and their schema. */
  readonly sqlTool: string;
  /** Folder with a subfolder `temporal` and one `visibility`, each with its versions. */
  readonly schema: string;
  /** Folder of `initdb` and `pg_ctl`. */
  readonly postgresql: string;
}

/** Builds the Temporal server once into `.cache` (some minutes), and looks for PostgreSQL. Needs Go, which gets the source.
 *  @throws when Go or PostgreSQL is missing */
export async function clusterPrograms(): Promise<ClusterPrograms> {
  const postgresql = await findPostgresql();
  const temporalServer = join(CACHE, 'server');
  const sqlTool = join(CACHE, 'sql');
  await mkdir(CACHE, { recursive: true });
  for (const [program, path] of [
    [sqlTool, 'cmd/tools/sql'],
    [temporalServer, 'cmd/server'],
  ] as const)
    if (!(await exists(program))) await install(`${TEMPORAL}/${path}@${VERSION}`);
  const { stdout } = await run('go', ['env', 'GOMODCACHE']);
  const schema = join(stdout.trim(), `${TEMPORAL}@${VERSION}`, 'schema', 'postgresql', 'v12');
  return { temporalServer, sqlTool, schema, postgresql };
}

async function install(module: string): Promise<void> {
  console.log(`builds ${module} …`);
  const env = { ...process.env, GOBIN: CACHE, CGO_ENABLED: '0' };
  await run('go', ['install', '-buildvcs=false', module], { env, cwd: CACHE, maxBuffer: 1e8 });
}

async function findPostgresql(): Promise<string> {
  const folders = (process.env.PATH ?? '').split(':');
  for (const version of await readdir(DEBIAN_POSTGRESQL).catch(() => []))
    folders.push(join(DEBIAN_POSTGRESQL, version, 'bin'));
  for (const folder of folders)
    if ((await exists(join(folder, 'initdb'))) && (await exists(join(folder, 'pg_ctl'))))
      return folder;
  throw new Error('initdb and pg_ctl of PostgreSQL are missing: install the package postgresql');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
