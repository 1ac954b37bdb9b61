import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PrimaryBackup } from '../../../src/domain/jobs/primary-backup.js';
import { runRestic } from '../../../src/primary/run-restic.js';

const SUMMARY = '{"message_type":"summary","snapshot_id":"5f3a"}';
const NEVER = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-restic-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const called = async (): Promise<string[]> =>
  (await readFile(at('calls'), 'utf8')).trim().split('\n');

/** A program that notes how it is called, and does this as `restic snapshots` and `restic backup`. */
async function program(snapshots: string, backup: string): Promise<PrimaryBackup> {
  const path = at('restic');
  const script = `#!/bin/sh
echo "$@" >> '${at('calls')}'
env >> '${at('env')}'
case $1 in
snapshots) ${snapshots} ;;
backup) ${backup} ;;
esac
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return {
    ...{
      id: 'shares',
      kind: 'restic',
      repositoryId: 'primary',
      folder: '/backups/main',
      program: path,
    },
    ...{ passwordFile: '/etc/key', paths: ['/srv/a', '-b'], excludes: ['*.tmp'] },
  };
}

describe('a primary backup by restic', () => {
  it('is the snapshot that its summary names, of the paths, without what is excluded', async () => {
    const backup = await program(
      'echo "[]"',
      `echo '{"message_type":"status"}'; echo '${SUMMARY}'`,
    );
    expect(await runRestic(backup, 'run-1', NEVER)).toEqual({ snapshot: '5f3a', warning: null });
    expect(await called()).toEqual([
      'snapshots --json --tag run-1',
      'backup --json --tag run-1 --exclude *.tmp -- /srv/a -b',
    ]);
  });

  it('is made with what restic needs of the environment, and nothing else', async () => {
    process.env['LONGHAUL_TEST_SECRET'] = 'secret';
    const backup = await program('echo "[]"', `echo '${SUMMARY}'`);
    await runRestic(backup, 'run-1', NEVER).finally(() => {
      delete process.env['LONGHAUL_TEST_SECRET'];
    });
    const environment = await readFile(at('env'), 'utf8');
    expect(environment).toContain('RESTIC_REPOSITORY=/backups/main\n');
    expect(environment).toContain('RESTIC_PASSWORD_FILE=/etc/key\n');
    expect(environment).not.toContain('secret');
  });

  /** Exit code 3: restic, doc/075_scripting.rst. */
  it('is made with a warning when files could not be read', async () => {
    const backup = await program(
      'echo "[]"',
      `echo '${SUMMARY}'; echo 'error: open /srv/a/x' >&2; echo 'Warning: at least one source file could not be read' >&2; exit 3`,
    );
    expect(await runRestic(backup, 'run-1', NEVER)).toEqual({
      snapshot: '5f3a',
      warning: 'some files could not be read: Warning: at least one source file could not be read',
    });
  });

  it('is not made again by a repeat with its tag, which says that it does not know what could be read', async () => {
    const backup = await program(`echo '[{"id":"77aa"}]'`, 'exit 1');
    expect(await runRestic(backup, 'run-1', NEVER)).toEqual({
      snapshot: '77aa',
      warning:
        'an earlier attempt made the snapshot, and whether it could read all files is not known',
    });
    expect(await called()).toEqual(['snapshots --json --tag run-1']);
  });

  it.each([
    [
      'the repository cannot be opened',
      'echo "Fatal: wrong password" >&2; exit 1',
      '',
      'ended with 1: Fatal: wrong password',
    ],
    [
      'it fails, whatever its summary says',
      'echo "[]"',
      `echo '${SUMMARY}'; echo full >&2; exit 1`,
      'ended with 1: full',
    ],
    [
      'it makes no snapshot of what it could read',
      'echo "[]"',
      'echo none >&2; exit 3',
      'ended with 3: none',
    ],
    ['it ends without a word of what it made', 'echo "[]"', 'echo done', 'ended with 0: '],
    ['a signal from elsewhere ends it', 'echo "[]"', 'kill -9 $$', 'did not run to its end: '],
  ])('fails when %s', async (_, snapshots, made, end) => {
    const backup = await program(snapshots, made);
    await expect(runRestic(backup, 'run-1', NEVER)).rejects.toMatchObject({
      code: 'PRIMARY_BACKUP_FAILED',
      message: `${backup.program} (shares) ${end}`,
    });
  });

  it('fails when there is no such program', async () => {
    const backup = { ...(await program('', '')), program: at('none') };
    await expect(runRestic(backup, 'run-1', NEVER)).rejects.toMatchObject({
      code: 'PRIMARY_BACKUP_FAILED',
      message: expect.stringContaining('ENOENT') as string,
    });
  });

  it('lets go of its locks when it is stopped, and is stopped then', async () => {
    const backup = await program(
      'echo "[]"',
      `trap "echo let go > '${at('locks')}'; exit 130" INT; echo held > '${at('locks')}'; while :; do sleep 0.01; done`,
    );
    const stop = new AbortController();
    const run = runRestic(backup, 'run-1', stop.signal);
    const ended = expect(run).rejects.toThrow('stopped by an operator');
    const locks = () => readFile(at('locks'), 'utf8').catch(() => '');
    await expect.poll(locks).toBe('held\n');
    stop.abort(new Error('stopped by an operator'));
    await ended;
    expect(await locks()).toBe('let go\n');
  });

  it('does not begin when it is stopped before', async () => {
    const backup = await program('echo "[]"', `echo '${SUMMARY}'`);
    const stopped = AbortSignal.abort(new Error('stopped before'));
    await expect(runRestic(backup, 'run-1', stopped)).rejects.toThrow('stopped before');
    await expect(called()).rejects.toThrow('ENOENT');
  });
});
