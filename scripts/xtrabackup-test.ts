import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chainFolder } from '../src/chain/chain-paths.js';
import { restorePointKey } from '../src/domain/targets/repository-view.js';
import { openDirectoryRepository } from '../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../src/repository/open-repository.js';
import { findTrees } from '../src/tree/find-trees.js';
import { testJob } from '../test/support/session/test-site.js';
import { LocalSessions } from '../test/support/workflows/local-sessions.js';
import { Trial } from './databases/trial.js';

/** Copies a full of mariadb-backup with two incrementals, and a stream, restores them, and lets mariadb-backup prepare and MariaDB start what came back. As root, on Debian with
 *  `mariadb-server` and `mariadb-backup`. */

const run = promisify(execFile);
const JOB = testJob({ id: 'mysql', restorePoints: 'all', retention: { type: 'days', value: 30 } });
const trial = await Trial.begin('mysql');
const at = (...parts: string[]) => trial.at(...parts);

/** As the account of the server. */
async function asMysql(program: string, ...words: string[]): Promise<string> {
  const command = ['-u', 'mysql', '--', program, ...words];
  const { stdout } = await run('runuser', command, { maxBuffer: 64 * 1024 * 1024, cwd: '/' });
  return stdout.trim();
}

async function own(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await run('chown', ['-R', 'mysql:mysql', folder]);
  return folder;
}

/** What a server tells that runs on a folder as long as it is asked. */
async function served(data: string, ask: (socket: string) => Promise<string>): Promise<string> {
  const socket = `${data}.sock`;
  const words = ['-u', 'mysql', '--', 'mariadbd', '--no-defaults', `--datadir=${data}`];
  const server = spawn('runuser', [...words, `--socket=${socket}`, '--skip-networking'], {
    stdio: 'ignore',
  });
  try {
    for (let tries = 0; ; tries++)
      try {
        await sql(socket, 'select 1');
        break;
      } catch (error) {
        if (tries === 120) throw error;
        await sleep(500);
      }
    return await ask(socket);
  } finally {
    await asMysql('mariadb-admin', '-uroot', '-S', socket, 'shutdown').catch(() => server.kill());
    await sleep(1000);
  }
}

function sql(socket: string, statement: string): Promise<string> {
  return asMysql('mariadb', '-uroot', '-S', socket, '-N', '-e', statement);
}

const SUM = 'select count(*), sum(length(v)) from shop.t';
const insert = (letter: string, rows: number) =>
  `insert into shop.t (v) select repeat('${letter}', 500) from shop.seq_1_to_${rows}`;

async function backUp(socket: string, data: string, name: string, base?: string): Promise<void> {
  const words = ['--no-defaults', '--backup', `--datadir=${data}`, '--user=root'];
  if (base !== undefined) words.push(`--incremental-basedir=${at('primary', base)}`);
  words.push(`--socket=${socket}`, `--target-dir=${at('primary', name)}`);
  await asMysql('mariadb-backup', ...words);
}

/** Folder into which the points of an id were restored. */
async function restored(pointId: string): Promise<string> {
  const target = await openDirectoryRepository({
    ...{ id: 'offsite', rootPath: at('offsite'), readOnly: false },
  });
  const { trees } = await findTrees(target);
  for (const { folder, record } of trees) {
    const found = record.points.find(({ source }) => source.restorePointId.startsWith(pointId));
    if (found === undefined || folder !== chainFolder(JOB.id, record.workload.id)) continue;
    const path = at('restored', pointId.replaceAll('/', '-'));
    await mkdir(path, { recursive: true });
    const destination = await openDirectoryRepository({
      ...{ id: folderRepositoryId(path), rootPath: path, readOnly: false },
    });
    const { result } = await new LocalSessions([target, destination]).restore(
      {
        repositoryId: 'offsite',
        restorePointId: restorePointKey([JOB.id, record.workload.id, found.id]),
        ...{ destinationPath: path, format: 'same' },
      },
      Date.now() + 3_600_000,
    );
    if (result !== 'success') throw new Error(`restore of ${pointId}: ${result}`);
    return own(path);
  }
  throw new Error(`${pointId} is not in the copy`);
}

const prepare = (target: string, ...words: string[]) =>
  asMysql('mariadb-backup', '--no-defaults', '--prepare', `--target-dir=${target}`, ...words);

try {
  for (const folder of ['primary', 'offsite', 'restored']) await mkdir(at(folder));
  await own(at('primary'));
  const data = await own(at('data'));
  await own(at());
  const method = '--auth-root-authentication-method=normal';
  await asMysql('mariadb-install-db', '--no-defaults', `--datadir=${data}`, method);
  const [full, first, second] = ['full-2026-11-26', 'inc-2026-11-27', 'inc-2026-11-28'] as const;
  const answers: string[] = [];
  await served(data, async (socket) => {
    await sql(socket, 'create database shop');
    await sql(socket, 'create table shop.t (id int primary key auto_increment, v text)');
    const change = async (letter: string, rows: number): Promise<void> => {
      await sql(socket, insert(letter, rows));
      answers.push(await sql(socket, SUM));
    };
    await change('x', 2000);
    await backUp(socket, data, full);
    await change('y', 500);
    await backUp(socket, data, first, full);
    await change('z', 70);
    await backUp(socket, data, second, first);
    const stream = `mariadb-backup --no-defaults --backup --stream=xbstream --datadir=${data} --user=root --socket=${socket}`;
    return asMysql('sh', '-c', `${stream} > ${at('primary', 'crm.xbstream')}`);
  });
  const source = await openDirectoryRepository({
    ...{ id: 'primary', rootPath: at('primary'), readOnly: true },
  });
  const target = await openDirectoryRepository({
    ...{ id: 'offsite', rootPath: at('offsite'), readOnly: false },
  });
  const copy = new LocalSessions([source, target]);
  const { result, tasks } = await copy.tryToCopy(JOB, Date.now() + 600_000);
  trial.tell('the copy', result === 'success', JSON.stringify(tasks.map((task) => task.notes)));

  const chain = await restored(second);
  await prepare(join(chain, full));
  await prepare(join(chain, full), `--incremental-dir=${join(chain, first)}`);
  await prepare(join(chain, full), `--incremental-dir=${join(chain, second)}`);
  const ofChain = await served(join(chain, full), (socket) => sql(socket, SUM));
  trial.tell('MariaDB from a full and two incrementals', ofChain === answers[2], ofChain);
  const alone = await restored(full);
  await prepare(join(alone, full));
  const ofFull = await served(join(alone, full), (socket) => sql(socket, SUM));
  trial.tell('MariaDB from the full', ofFull === answers[0], ofFull);
  const packed = await restored('crm.xbstream');
  const unpacked = await own(join(packed, 'unpacked'));
  await asMysql('sh', '-c', `mbstream -x -C ${unpacked} < ${join(packed, 'crm.xbstream')}`);
  await prepare(unpacked);
  const ofStream = await served(unpacked, (socket) => sql(socket, SUM));
  trial.tell('MariaDB from the stream', ofStream === answers[2], ofStream);
} finally {
  process.exitCode = await trial.end();
}
