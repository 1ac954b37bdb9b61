import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { requireTool } from '../../support/image/qemu.js';
import { testJob } from '../../support/session/test-site.js';
import { BackRest } from '../../support/tree/databases/back-rest.js';
import {
  Cluster,
  own,
  ownCopy,
  serverPrograms,
  Writer,
} from '../../support/tree/databases/postgres.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const JOB = testJob({
  ...{ id: 'databases', mode: 'immediate', transactionLogs: true },
  retention: { type: 'days', value: 30 },
});
const MINUTE_MS = 60_000;

/** PostgreSQL runs under an account of its own, which only root can take. */
const isRoot = process.getuid?.() === 0 || process.env['CI'] !== undefined;
const canRun =
  isRoot && requireTool(join(serverPrograms(), 'initdb')) && requireTool('pgbackrest', 'version');

/** Whether an incremental backup has its folder. */
async function isBegun(repository: string): Promise<boolean> {
  const names = await readdir(join(repository, 'backup', 'demo'));
  return names.some((name) => /^\d{8}-\d{6}F_\d{8}-\d{6}I$/.test(name));
}

describe.skipIf(!canRun)('a repository of pgBackRest', () => {
  it('that is copied while the database is backed up and written to brings it back as it is at the end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-pgbackrest-'));
    const at = (...parts: string[]) => join(folder, ...parts);
    await chmod(folder, 0o755);
    for (const name of ['primary', 'offsite']) await mkdir(at(name));
    await own(at('primary', 'pg'));
    const cluster = await Cluster.at(at('cluster'));
    const ends: (() => Promise<unknown>)[] = [() => cluster.stop()];
    onTestFinished(async () => {
      for (const end of ends.toReversed()) await end();
      await rm(folder, { recursive: true, force: true });
    });
    const repositories = new Map([[at('primary', 'pg'), 'repo1-retention-full=5']]);
    const tool = await BackRest.at(at('tool'), cluster, repositories);
    const sessions = new LocalSessions([
      await openDirectoryRepository({ id: 'primary', rootPath: at('primary'), readOnly: true }),
      await openDirectoryRepository({ id: 'offsite', rootPath: at('offsite'), readOnly: false }),
    ]);
    await cluster.make(`archive_mode=on\narchive_command='${tool.archiveCommand}'\n`);
    await cluster.start();
    await tool.run('stanza-create');
    await cluster.sql(Writer.TABLE);
    await tool.run('--type=full', 'backup');
    // So that what is copied beside the next backup begins at once: the first session bundles the workflows.
    const first = await sessions.tryToCopy(JOB, Date.now() + MINUTE_MS);
    expect(first.result, JSON.stringify(first.tasks)).toBe('success');
    const writer = new Writer(cluster);
    let isBackingUp = true;
    const backup = tool.run('--type=incr', 'backup').finally(() => (isBackingUp = false));
    const ended = Promise.allSettled([backup]);
    ends.push(() => Promise.allSettled([ended, writer.stop()]));
    while (isBackingUp && !(await isBegun(at('primary', 'pg')))) await sleep(20);
    expect(isBackingUp, 'the copy begins while the backup is written').toBe(true);
    const during = await sessions.tryToCopy(JOB, Date.now() + 2 * MINUTE_MS);
    expect(during.result, JSON.stringify(during.tasks)).not.toBe('failed');
    await backup;
    await writer.stop();
    await cluster.archiveAll();
    const truth = await cluster.sql(Writer.SUM);
    const last = await sessions.tryToCopy(JOB, Date.now() + 4 * MINUTE_MS);
    expect(last.result, JSON.stringify(last.tasks)).toBe('success');
    await cluster.stop();
    const copy = at('offsite', chainFolder(JOB.id, last.tasks[0]!.workloadId!), 'files');
    const store = await ownCopy(copy, at('store'));
    expect(await tool.restored(store, await Cluster.at(at('restored')))).toBe(truth);
  });
});
