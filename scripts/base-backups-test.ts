import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chainFolder } from '../src/chain/chain-paths.js';
import { restorePointKey } from '../src/domain/targets/repository-view.js';
import { listSourceWorkloads } from '../src/mover/source/source-catalogue.js';
import { openDirectoryRepository } from '../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../src/repository/open-repository.js';
import { readTreeRecord } from '../src/tree/tree-store.js';
import { testJob } from '../test/support/session/test-site.js';
import { LocalSessions } from '../test/support/workflows/local-sessions.js';
import {
  answerOf,
  asPostgres,
  Cluster,
  own,
  ownCopy,
  Writer,
} from '../test/support/tree/databases/postgres.js';
import { Trial } from './databases/trial.js';

/** Copies base backups of PostgreSQL by Barman and by `pg_basebackup` in its plain format, also while Barman makes one, and lets `barman recover`, `pg_verifybackup` and
 *  PostgreSQL judge what comes back. As root, on Debian with `postgresql` and `barman`. */

const MINUTE_MS = 60_000;
const JOB = testJob({
  ...{ id: 'base', mode: 'immediate', transactionLogs: true },
  retention: { type: 'days', value: 30 },
});

const trial = await Trial.begin('base');
const at = (...parts: string[]) => trial.at(...parts);
let nowMs = Date.now();

const cluster = await Cluster.at(at('cluster'));
for (const folder of ['primary', 'offsite', 'tool', 'restored']) await mkdir(at(folder));
await own(at('primary', 'barman', 'main', 'incoming'));
await own(at('primary', 'barman'));
await own(at('primary', 'plain'));
await own(at('tool'));

/** @param store folder of the server, as Barman keeps it */
async function configured(name: string, store: string): Promise<string> {
  const file = at('tool', `${name}.conf`);
  await writeFile(
    file,
    [
      `[barman]\nbarman_user=postgres\nbarman_home=${at('tool')}\nbarman_lock_directory=${at('tool')}`,
      `log_file=${at('tool', `${name}.log`)}\nlog_level=INFO\n[main]\ndescription=main\narchiver=on`,
      `conninfo=host=${at('cluster')} user=postgres dbname=postgres\nbackup_method=postgres`,
      `streaming_conninfo=host=${at('cluster')} user=postgres\nimmediate_checkpoint=true`,
      `backup_directory=${store}\npath_prefix=${cluster.binaries}\n`,
    ].join('\n'),
  );
  return file;
}

const barman = (file: string, ...words: string[]) => asPostgres('barman', '-c', file, ...words);
const opened = (id: string, rootPath: string, readOnly = false) =>
  openDirectoryRepository({ id, rootPath, readOnly });
const repositories = async () => [
  await opened('primary', at('primary'), true),
  await opened('offsite', at('offsite')),
];

/** @param afterMs how long after the last change; 0: files that were written just now are not left alone */
async function copy(afterMs = 5 * MINUTE_MS): Promise<string> {
  nowMs = Math.max(nowMs + 1, Date.now() + afterMs);
  const { result, tasks } = await new LocalSessions(await repositories()).tryToCopy(JOB, nowMs);
  for (const { workload, result: of, reason, notes } of tasks)
    console.log(`  ${workload}: ${of ?? ''} ${reason ?? ''} ${notes.join('; ')}`);
  return result;
}

async function copyOf(folder: string): Promise<{ readonly id: string; readonly files: string }> {
  const [source] = await repositories();
  const found = (await listSourceWorkloads(source!)).find(({ tree }) => tree?.root === folder);
  if (found === undefined) throw new Error(`nothing is found in ${folder}`);
  return { id: found.id, files: at('offsite', chainFolder(JOB.id, found.id), 'files') };
}

/** It archives nothing into the folders of the one that it was copied from. */
async function started(name: string, put: (data: string) => Promise<void>): Promise<string> {
  const restored = await Cluster.at(at('restored', name));
  return answerOf(restored, async (data) => {
    await put(data);
    await restored.configure('archive_mode=off', true);
    await own(data);
    await chmod(data, 0o700);
  });
}

/** What Barman recovers from the copy, with all log that it has. */
async function recovered(name: string, backup: string): Promise<string> {
  const store = await ownCopy((await copyOf('barman/main')).files, at('tool', `store-${name}`));
  const file = await configured(name, store);
  await barman(file, 'check-backup', 'main', backup);
  return started(name, async (data) => {
    await barman(file, 'recover', 'main', backup, data);
  });
}

/** A restore by Longhaul of one plain backup. */
async function restoredPlain(folder: string, point: string): Promise<string> {
  const { id } = await copyOf(folder);
  const [, target] = await repositories();
  const record = (await readTreeRecord(target!, chainFolder(JOB.id, id)))!;
  const found = record.points.find(({ source }) => source.restorePointId.startsWith(point))!;
  const destination = at('restored', `of-${id}-${found.id}`);
  await mkdir(destination);
  const sessions = new LocalSessions([
    target!,
    await opened(folderRepositoryId(destination), destination),
  ]);
  const { result } = await sessions.restore(
    {
      ...{ repositoryId: 'offsite', restorePointId: restorePointKey([JOB.id, id, found.id]) },
      ...{ destinationPath: destination, format: 'same' },
    },
    nowMs,
  );
  if (result !== 'success') throw new Error(`restore of ${point}: ${result}`);
  const files = point === 'base' ? destination : join(destination, point);
  await own(files);
  const verified = await cluster.program('pg_verifybackup', files);
  console.log(`  ${verified}`);
  return started(`started-${id}-${found.id}`, async (data) => {
    await ownCopy(files, data);
  });
}

const plain = (folder: string) =>
  cluster.program(
    ...(['pg_basebackup', '-h', at('cluster'), '-D', at('primary', 'plain', folder)] as const),
    ...['-c', 'fast', '-X', 'stream'],
  );

try {
  const incoming = at('primary', 'barman', 'main', 'incoming');
  const source = await configured('source', at('primary', 'barman', 'main'));
  await cluster.make(
    `archive_mode=on\narchive_command='cp %p ${incoming}/%f.tmp && mv ${incoming}/%f.tmp ${incoming}/%f'\n`,
  );
  await cluster.start();
  await cluster.sql(Writer.TABLE);
  await barman(source, 'cron').catch(() => undefined);
  await barman(source, 'switch-wal', '--archive', 'main');
  await barman(source, 'backup', 'main');
  await plain('2026-11-27');
  const atFirst = await cluster.sql(Writer.SUM);
  const writer = new Writer(cluster);
  const running = barman(source, 'backup', '--wait', 'main');
  const during = await copy(0);
  trial.tell('a copy while Barman makes a backup', during !== 'failed', during);
  await running;
  await writer.stop();
  await cluster.archiveAll();
  await barman(source, 'archive-wal', 'main');
  const truth = await cluster.sql(Writer.SUM);
  await plain('2026-11-28');
  await plain('alone');
  // Its files are older than a minute then, and its log is not, as where a database archives each minute.
  await setTimeout(MINUTE_MS + 2000);
  await cluster.archiveAll();
  await barman(source, 'archive-wal', 'main');
  const busy = await copy(0);
  const { id: server } = await copyOf('barman/main');
  const { points } = (await readTreeRecord(
    (await repositories())[1]!,
    chainFolder(JOB.id, server),
  ))!;
  const kinds = points.map(({ kind }) => kind).sort();
  trial.tell(
    'of Barman, whose log was written to just now',
    kinds.join() === 'full,full,log',
    kinds.join(),
  );
  console.log(`  (${busy})`);
  const last = await copy();
  trial.tell('the last copy', last === 'success' || last === 'nothingToCopy', last);
  await barman(source, 'delete', 'main', 'oldest');
  const after = await copy();
  trial.tell('the copy after Barman has deleted a backup', after === 'success', after);
  const listed = (await barman(source, 'list-backups', '--minimal', 'main')).split('\n');
  await cluster.stop();
  const found = await recovered('end', listed[0]!);
  trial.tell(`barman recover from the copy (${listed[0]!})`, found === truth, found);
  for (const [folder, point, expected] of [
    ['plain', '2026-11-27', atFirst],
    ['plain', '2026-11-28', truth],
    ['plain/alone', 'base', truth],
  ] as const) {
    const back = await restoredPlain(folder, point);
    trial.tell(`PostgreSQL from the restored ${folder} ${point}`, back === expected, back);
  }
  console.log(`the database: ${truth}`);
} finally {
  await cluster.stop();
  process.exitCode = await trial.end();
}
