import { writeFile, mkdir, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { chainFolder } from '../src/chain/chain-paths.js';
import { listSourceWorkloads } from '../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../src/repository/directory/directory-repository.js';
import { testJob } from '../test/support/session/test-site.js';
import { BackRest } from '../test/support/tree/databases/back-rest.js';
import {
  answerOf,
  Cluster,
  own,
  ownCopy,
  Writer,
} from '../test/support/tree/databases/postgres.js';
import { LocalSessions } from '../test/support/workflows/local-sessions.js';
import { Trial } from './databases/trial.js';

/** Copies backups of a database while they are made, and lets the database's own tools restore from the copy: pgBackRest with two repositories, and
 *  recovery of PostgreSQL from a folder of its log. As root, on Debian with `postgresql` and `pgbackrest`. */

const JOB = testJob({
  ...{ id: 'databases', mode: 'immediate', transactionLogs: true },
  retention: { type: 'days', value: 30 },
});
const MINUTE_MS = 60_000;
/** What is done to repositories: packed and in files of their own; in bundles and packed otherwise. */
const REPOSITORIES = [
  { number: 1, options: 'repo1-retention-full=5' },
  { number: 2, options: 'repo2-retention-full=5\nrepo2-bundle=y' },
] as const;

const trial = await Trial.begin('databases');
const at = (...parts: string[]) => trial.at(...parts);

const cluster = await Cluster.at(at('cluster'));
for (const folder of ['primary', 'offsite']) await mkdir(at(folder));
for (const folder of ['pg1', 'pg2', 'wal']) await own(at('primary', folder));
// Without its log, and no backup that is copied.
await own(at('base'));

const backRest = await BackRest.at(
  at('tool'),
  cluster,
  new Map(REPOSITORIES.map(({ number, options }) => [at('primary', `pg${number}`), options])),
);

async function copy(nowMs: number): Promise<string> {
  const source = { id: 'primary', rootPath: at('primary'), readOnly: true };
  const target = { id: 'offsite', rootPath: at('offsite'), readOnly: false };
  const repositories = await Promise.all([source, target].map(openDirectoryRepository));
  const { result, tasks } = await new LocalSessions(repositories).tryToCopy(JOB, nowMs);
  for (const task of tasks)
    console.log(`  ${task.workload}: ${task.result ?? ''} ${task.reason ?? ''}`);
  return result;
}

async function copyOf(root: string): Promise<string> {
  const source = await openDirectoryRepository({
    ...{ id: 'primary', rootPath: at('primary'), readOnly: true },
  });
  const workload = (await listSourceWorkloads(source)).find(({ tree }) => tree?.root === root);
  if (workload === undefined) throw new Error(`nothing is found in ${root}`);
  return at('offsite', chainFolder(JOB.id, workload.id), 'files');
}

async function restored(name: string, put: (data: string) => Promise<void>): Promise<string> {
  return answerOf(await Cluster.at(at(name)), put);
}

async function restoredByPgBackRest(name: string, folder: string): Promise<string> {
  const store = await ownCopy(await copyOf(folder), at(`store-${name}`));
  return backRest.restored(store, await Cluster.at(at(name)));
}

async function restoredFromLog(name: string): Promise<string> {
  const log = await ownCopy(await copyOf('wal'), at(`log-${name}`));
  return restored(name, async (data) => {
    await ownCopy(at('base'), data);
    await chmod(data, 0o700);
    await writeFile(join(data, 'recovery.signal'), '');
    const one = await Cluster.at(at(name));
    await one.configure(`restore_command='cp ${log}/%f "%p"'\narchive_mode=off`);
    await own(data);
  });
}

const isConsistent = (found: string, least: number) => {
  const [rows, sum] = found.split('|').map(Number);
  return rows !== undefined && rows >= least && sum === 0;
};

try {
  const folder = at('primary', 'wal');
  const keep = `cp %p ${folder}/%f.tmp && mv ${folder}/%f.tmp ${folder}/%f`;
  await cluster.make(`archive_mode=on\narchive_command='${backRest.archiveCommand} && ${keep}'\n`);
  await cluster.start();
  await backRest.run('stanza-create');
  await cluster.sql(Writer.TABLE);
  for (const { number } of REPOSITORIES)
    await backRest.run(`--repo=${number}`, '--type=full', 'backup');
  await cluster.program(
    'pg_basebackup',
    '-h',
    at('cluster'),
    '-D',
    at('base'),
    '-X',
    'none',
    '-c',
    'fast',
  );

  const writer = new Writer(cluster);
  const backups = (async () => {
    for (const type of ['incr', 'diff', 'incr'])
      for (const { number } of REPOSITORIES)
        await backRest.run(`--repo=${number}`, `--type=${type}`, 'backup');
  })();
  const during = await copy(Date.now() + 2 * MINUTE_MS);
  trial.tell('a copy while everything is written to', during !== 'failed', during);
  trial.tell(
    'restore by pgBackRest from that copy',
    ...(await restoredByPgBackRest('during', 'pg1').then(
      (found) => [isConsistent(found, 2_000), found] as const,
    )),
  );
  await copy(Date.now() + 4 * MINUTE_MS);
  await backups;
  await writer.stop();
  await cluster.archiveAll();
  const truth = await cluster.sql(Writer.SUM);
  const last = await copy(Date.now() + 10 * MINUTE_MS);
  trial.tell('the last copy', last === 'success', last);
  await backRest.run('--repo=1', '--type=full', 'backup');
  await backRest.run('--repo=1', '--repo1-retention-full=1', 'expire');
  const expired = await copy(Date.now() + 20 * MINUTE_MS);
  // Nearly all files went: the copy has them until somebody agrees.
  trial.tell('a copy after almost all has expired', expired === 'actionRequired', expired);
  await cluster.stop();
  for (const { number } of REPOSITORIES) {
    const found = await restoredByPgBackRest(`end-${number}`, `pg${number}`);
    trial.tell(
      `restore by pgBackRest from the copy of repository ${number}`,
      found === truth,
      found,
    );
  }
  const found = await restoredFromLog('log');
  trial.tell('recovery by PostgreSQL from the copied folder of its log', found === truth, found);
  console.log(`the database: ${truth}`);
} finally {
  await cluster.stop();
  process.exitCode = await trial.end();
}
