import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { copyJobsOf, type FileBackupJob } from '../../../src/domain/jobs/file-backup-job.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';

const run = promisify(execFile);

/** A store that its own tool makes, changes and judges, with a password that is no secret. */
export interface LiveStore {
  readonly name: 'restic' | 'borg';
  init(repository: string): Promise<void>;
  /** A snapshot of a folder, under a name that is used once. */
  backUp(repository: string, folder: string, snapshot: string): Promise<void>;
  /** Keeps the newest snapshots of each share, and throws away what only others needed. */
  prune(repository: string, keep: number): Promise<void>;
  /** Reads all data. It works on a copy, because checking writes locks and more.
   *  @throws what the tool says is wrong */
  check(repository: string): Promise<void>;
  /** What the tool says of a folder in which it sees no store. */
  readonly seesNone: RegExp;
  snapshotCount(repository: string): Promise<number>;
  /** What a snapshot shows, put below `folder` under its own path.
   *  @param snapshot as the tool knows it */
  restore(repository: string, snapshot: string, folder: string): Promise<void>;
}

const RESTIC_ENV = { ...process.env, RESTIC_PASSWORD: 'live', RESTIC_PROGRESS_FPS: '0' };

async function restic(repository: string, ...words: string[]): Promise<string> {
  const { stdout } = await run('restic', ['-r', repository, '--no-cache', '-q', ...words], {
    env: RESTIC_ENV,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

export const liveRestic: LiveStore = {
  name: 'restic',
  init: async (repository) => void (await restic(repository, 'init')),
  backUp: async (repository, folder, snapshot) =>
    void (await restic(repository, 'backup', '--tag', snapshot, folder)),
  prune: (repository, keep) =>
    onceUnlocked(() =>
      restic(
        ...([repository, 'forget', '--keep-last', String(keep)] as const),
        ...['--group-by', 'paths', '--prune', '--max-unused', '0'],
      ),
    ),
  check: async (repository) =>
    onCopy(repository, async (copy) => void (await restic(copy, 'check', '--read-data'))),
  seesNone: /Is there a repository at the following location/,
  // Opening a repository takes restic half a second, and each snapshot is a file.
  snapshotCount: async (repository) => (await readdir(join(repository, 'snapshots'))).length,
  restore: (repository, snapshot, folder) =>
    onCopy(
      repository,
      async (copy) => void (await restic(copy, 'restore', snapshot, '-t', folder)),
    ),
};

/** What asks for the repository alone waits until a backup that runs has let go of it; `--retry-lock` came after restic 0.14. */
async function onceUnlocked(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      return void (await work());
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('already locked')) throw error;
      await setTimeout(LOCK_PAUSE_MS);
    }
  }
}

const LOCK_PAUSE_MS = 200;

/** What it remembers of a repository lies beside it, so that no copy is taken for an attack with an older state. */
async function borg(repository: string, words: string[], folder?: string): Promise<string> {
  const { stdout } = await run('borg', words, {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: {
      ...process.env,
      ...{
        BORG_REPO: repository,
        BORG_PASSPHRASE: 'live',
        BORG_BASE_DIR: join(dirname(repository), '.borg'),
      },
      // A copy is at another place than its source, and has its id.
      ...{ BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' },
    },
  });
  return stdout;
}

export const liveBorg: LiveStore = {
  name: 'borg',
  init: async (repository) => void (await borg(repository, ['init', '-e', 'repokey'])),
  backUp: async (repository, folder, snapshot) =>
    void (await borg(repository, ['create', '-C', 'none', `::${snapshot}`, folder])),
  prune: async (repository, keep) => {
    await borg(repository, ['prune', '--keep-last', String(keep)]);
    await borg(repository, ['compact', '--threshold', '0']);
  },
  check: async (repository) =>
    onCopy(repository, async (copy) => void (await borg(copy, ['check', '--verify-data']))),
  seesNone: /is not a valid repository|Repository \S+ does not exist/,
  snapshotCount: async (repository) => {
    const listed = await onCopy(repository, (copy) => borg(copy, ['list', '--short']));
    return listed.split('\n').length - 1;
  },
  restore: (repository, snapshot, folder) =>
    onCopy(repository, async (copy) => {
      await mkdir(folder, { recursive: true });
      await borg(copy, ['extract', `::${snapshot}`], folder);
    }),
};

async function onCopy<T>(repository: string, work: (copy: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-store-'));
  try {
    const copy = join(folder, 'copy');
    await cp(repository, copy, { recursive: true, preserveTimestamps: true });
    return await work(copy);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes `count` files of random bytes, some of which are new each time. */
export async function changeFiles(folder: string, count: number, bytes = 40_000): Promise<void> {
  await mkdir(join(folder, 'docs'), { recursive: true });
  for (let index = 0; index < count; index++)
    await writeFile(
      join(folder, 'docs', `${index}-${randomBytes(2).toString('hex')}.bin`),
      randomBytes(bytes),
    );
}

/** Backups of a file share in `primary` that a configured program makes, and one target. */
export function shareBackup(workload: string): FileBackupJob {
  return {
    ...{ id: 'shares', name: 'Shares', description: '', revision: 1, timeZone: 'UTC' },
    source: { repositoryId: 'primary', workload },
    ...{ primaryBackup: 'nightly', schedule: { type: 'manual' }, missedStarts: 'run' },
    ...{ keepRemovedForDays: 7, rpo: null, healthCheck: null },
    secondaryTargets: [
      { repositoryId: 'offsite', keepRemovedForDays: null, schedule: null, allowedHours: null },
    ],
  };
}

/** The copy job of its target. */
export function shareJob(workload: string): CopyJob {
  const [copy] = copyJobsOf(shareBackup(workload));
  return { ...copy!, revision: 1, replaces: null, retry: { attempts: 0, pausesMinutes: [10] } };
}

/** Puts the files of a copy where its tool can look at them. */
export async function materialize(
  files: ReadonlyMap<string, Buffer>,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}
