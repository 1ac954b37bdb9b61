import { spawn } from 'node:child_process';
import { BackupError } from '../domain/errors.js';
import type { PrimaryBackup, PrimaryRun } from '../domain/jobs/primary-backup.js';

/** Makes one snapshot with restic, or finds the one that an earlier attempt made under the same tag.
 *
 *  restic is safe to be killed anywhere: a snapshot is written last, and what it left is used again or pruned. Two attempts at once make two
 *  snapshots of the same, which costs nothing but their names.
 *  Source: restic, doc/075_scripting.rst: exit code 3 is a snapshot that lacks files which could not be read.
 *  @param backup its folder absolute
 *  @param tag of the run: letters, digits and hyphens
 *  @throws PRIMARY_BACKUP_FAILED */
export async function runRestic(
  backup: PrimaryBackup,
  tag: string,
  signal: AbortSignal,
): Promise<PrimaryRun> {
  const made = await restic(backup, ['snapshots', '--json', '--tag', tag], signal);
  if (made.code !== 0) throw failure(backup, made);
  const [known] = JSON.parse(made.out) as { id: string }[];
  if (known !== undefined) return { snapshot: known.id, warning: MADE_BEFORE };
  const excludes = backup.excludes.flatMap((pattern) => ['--exclude', pattern]);
  const done = await restic(
    backup,
    ['backup', '--json', '--tag', tag, ...excludes, '--', ...backup.paths],
    signal,
  );
  const snapshot = snapshotIn(done.out);
  if (snapshot !== null && done.code === INCOMPLETE)
    return { snapshot, warning: `some files could not be read: ${lastLine(done.err)}` };
  if (snapshot === null || done.code !== 0) throw failure(backup, done);
  return { snapshot, warning: null };
}

/** It may have ended with 3, and nobody has heard of it. */
const MADE_BEFORE =
  'an earlier attempt made the snapshot, and whether it could read all files is not known';
const INCOMPLETE = 3;
/** Of what a program says; the end is what matters. */
const KEPT_CHARACTERS = 64 * 1024;
/** How long it may take to let go of its locks. */
const PATIENCE_MS = 10_000;

interface Ended {
  /** null: it was stopped by a signal, or could not be started. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Only what it needs of this process's environment: tokens and addresses of Longhaul are none of its business. */
function environmentOf({ folder, passwordFile }: PrimaryBackup): NodeJS.ProcessEnv {
  const own = { RESTIC_REPOSITORY: folder, RESTIC_PASSWORD_FILE: passwordFile };
  const { PATH, HOME, TMPDIR, LANG, XDG_CACHE_HOME } = process.env;
  return { PATH, HOME, TMPDIR, LANG, XDG_CACHE_HOME, ...own };
}

async function restic(
  backup: PrimaryBackup,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(backup.program, words, {
    env: environmentOf(backup),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(-KEPT_CHARACTERS);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-KEPT_CHARACTERS);
  });
  const stop = (): void => {
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS).unref();
  };
  signal.addEventListener('abort', stop);
  try {
    const code = await new Promise<number | null>((resolve) => {
      child.on('error', (error) => {
        err += error.message;
        resolve(null);
      });
      child.on('close', resolve);
    });
    signal.throwIfAborted();
    return { code, out, err };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The last line of the answer is its summary. */
function snapshotIn(out: string): string | null {
  const line = lastLine(out);
  if (!line.startsWith('{')) return null;
  const { message_type: kind, snapshot_id: id } = JSON.parse(line) as Record<string, unknown>;
  return kind === 'summary' && typeof id === 'string' ? id : null;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}

function failure({ id, program }: PrimaryBackup, { code, err }: Ended): BackupError {
  const end = code === null ? 'did not run to its end' : `ended with ${code}`;
  return new BackupError('PRIMARY_BACKUP_FAILED', `${program} (${id}) ${end}: ${lastLine(err)}`, {
    details: { primaryBackup: id, output: err.slice(-2_000) },
  });
}
