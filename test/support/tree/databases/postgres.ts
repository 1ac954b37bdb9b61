import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** As Debian's packages name it. */
const ACCOUNT = 'postgres';
const SETTINGS = 'wal_level=replica\nfsync=off\nunix_socket_permissions=0777\nmax_wal_size=64MB\n';

/** Runs a program as the account that PostgreSQL insists on. */
export async function asPostgres(program: string, ...words: string[]): Promise<string> {
  const command = ['-u', ACCOUNT, '--', program, ...words];
  const { stdout } = await run('runuser', command, { maxBuffer: 64 * 1024 * 1024, cwd: '/' });
  return stdout.trim();
}

/** Folder with the programs of the newest server that Debian's packages have put here; one that is not there when they have not. */
export function serverPrograms(): string {
  const at = '/usr/lib/postgresql';
  const versions = existsSync(at) ? readdirSync(at) : [];
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1) ?? 'none';
  return join(at, newest, 'bin');
}

/** A cluster of PostgreSQL in a folder, reached by a socket there. */
export class Cluster {
  private constructor(
    readonly binaries: string,
    readonly folder: string,
    readonly data: string,
  ) {}

  static async at(folder: string): Promise<Cluster> {
    await own(folder);
    return new Cluster(serverPrograms(), folder, join(folder, 'data'));
  }

  /** @param settings lines of `postgresql.conf` */
  async make(settings: string): Promise<void> {
    await this.program('initdb', '-D', this.data, '-A', 'trust', '--wal-segsize=1', '-N');
    await this.configure(SETTINGS + settings);
  }

  /** @param isAdded to the settings that are there */
  async configure(settings: string, isAdded = false): Promise<void> {
    await writeFile(
      join(this.data, 'postgresql.auto.conf'),
      `\n${settings}\nlisten_addresses=''\nunix_socket_directories='${this.folder}'\n`,
      { flag: isAdded ? 'a' : 'w' },
    );
  }

  async start(): Promise<void> {
    const log = join(this.folder, 'log');
    await this.program('pg_ctl', '-D', this.data, '-l', log, '-w', '-t', '120', 'start');
  }

  async stop(): Promise<void> {
    await this.program('pg_ctl', '-D', this.data, '-m', 'immediate', 'stop').catch(() => undefined);
  }

  program(name: string, ...words: string[]): Promise<string> {
    return asPostgres(join(this.binaries, name), ...words);
  }

  sql(...statements: string[]): Promise<string> {
    const words = statements.flatMap((statement) => ['-c', statement]);
    return this.program(
      'psql',
      '-h',
      this.folder,
      '-d',
      'postgres',
      '-X',
      '-A',
      '-t',
      '-q',
      ...words,
    );
  }

  /** Answers before are of a database that is still rolled forward. */
  async awaitRecovery(): Promise<void> {
    await this.#until('select not pg_is_in_recovery()', 'it is still recovering');
  }

  /** What is committed now is in archived log when this returns. */
  async archiveAll(): Promise<void> {
    const segment = await this.sql('select pg_walfile_name(pg_switch_wal())');
    await this.#until(
      `select last_archived_wal >= '${segment}' from pg_stat_archiver`,
      `segment ${segment} is not archived`,
    );
  }

  async #until(question: string, reason: string): Promise<void> {
    for (let tries = 0; (await this.sql(question)) !== 't'; tries++) {
      if (tries === 300) throw new Error(`after a minute ${reason}`);
      await sleep(200);
    }
  }
}

/** Moves an amount from one account to another, without an end: whatever state of the database is right, the amounts add up to 0. */
export class Writer {
  private hasToStop = false;
  private readonly ended: Promise<void>;

  constructor(private readonly cluster: Cluster) {
    this.ended = this.write();
  }

  static readonly TABLE =
    "create table moves as select n as id, (case when n % 2 = 0 then n - 1 else -n end)::bigint as amount, repeat('x', 500) as note from generate_series(1, 2000) n";
  static readonly SUM = 'select count(*), sum(amount) from moves';

  private async write(): Promise<void> {
    while (!this.hasToStop) {
      await this.cluster.sql(
        "insert into moves select n, (case when n % 2 = 0 then n - 1 else -n end)::bigint, repeat('y', 500) from generate_series(1, 40) n",
        'update moves set note = md5(random()::text) where random() < 0.005',
        'select pg_switch_wal()',
      );
      // Each segment is packed twice and put into three places before the next one.
      await sleep(500);
    }
  }

  async stop(): Promise<void> {
    this.hasToStop = true;
    await this.ended;
  }
}

/** Starts a new cluster on what is put into its folder, and asks it.
 *  @returns number of rows, and the sum of their amounts */
export async function answerOf(
  cluster: Cluster,
  put: (data: string) => Promise<void>,
): Promise<string> {
  await put(cluster.data);
  try {
    await cluster.start();
    await cluster.awaitRecovery();
    return await cluster.sql(Writer.SUM);
  } finally {
    await cluster.stop();
  }
}

/** A folder that the account of PostgreSQL may write to. */
export async function own(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('chown', ['-R', `${ACCOUNT}:${ACCOUNT}`, folder]);
}

/** A copy that the tool may lock and write to, so that what is judged stays as it is. */
export async function ownCopy(from: string, to: string): Promise<string> {
  await cp(from, to, { recursive: true, preserveTimestamps: true });
  await own(to);
  return to;
}
