import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { REAL_FIXTURES } from '../../../support/image/real-fixtures.js';
import { noRealTrees, realTree } from '../../../support/layout/real-tree.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { materialize, shareJob } from '../../../support/tree/live-stores.js';
import { describeWithTool } from '../../../support/tree/with-tool.js';
import { filesBelow, START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

interface RealStore {
  readonly tool: 'restic' | 'borg';
  readonly archive: string;
  /** Of the store in it. */
  readonly folder: string;
  /** As the page of the fixtures has it. */
  readonly password: string;
}

const V1_V2 = { tool: 'restic', archive: 'restic-v1-v2', password: 'fixture-only' } as const;
const BORG = { tool: 'borg', archive: 'borg-repokey-and-plain', password: 'fixture-only' } as const;
const STORES: readonly RealStore[] = [
  { ...V1_V2, folder: 'v1' },
  { ...V1_V2, folder: 'v2' },
  { ...V1_V2, archive: 'restic-v2-inuse', folder: 'v2-inuse' },
  { ...V1_V2, archive: 'upstream-copy-unstable-json', folder: 'repo', password: 'geheim' },
  { ...BORG, folder: 'repo' },
  { ...BORG, folder: 'plain' },
];

/** A backup that runs has it, and it means nothing elsewhere. */
const IS_LOCK = /^(?:locks\/|lock\.)/;

/** What the list beside the archive says of the store, locks aside: SHA-256 by path. */
async function listed({ tool, archive, folder }: RealStore): Promise<Map<string, string>> {
  const list = await readFile(join(REAL_FIXTURES!, tool, `${archive}.sha256`), 'utf8');
  const lines = list.trim().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [digest, path] = line.split('  ') as [string, string];
      const own = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
      return own === null || IS_LOCK.test(own) ? [] : [[own, digest]];
    }),
  );
}

/** The files of a copy by a session of a file-backup job. */
async function copied({ tool, archive, folder }: RealStore): Promise<Map<string, Buffer>> {
  const { repository } = await realTree(`${tool}/${archive}.tar.zst`);
  const target = new SimulatedRepository('offsite');
  const job = shareJob(`${tool}-${folder}`);
  const sessions = new LocalSessions([repository, target]);
  expect(await sessions.copy(job, START_MS + 400 * 86_400_000)).toMatchObject({
    result: 'success',
    tasks: [{ result: 'success', notes: [] }],
  });
  return filesBelow(target, `${chainFolder(job.id, `${tool}-${folder}`)}/files`);
}

/** @throws what the tool says is wrong */
async function check(
  { tool, password }: RealStore,
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-real-store-'));
  try {
    const store = join(folder, 'store');
    await materialize(files, store);
    const words =
      tool === 'restic'
        ? ['-r', store, '--no-cache', '-q', 'check', '--read-data']
        : ['check', '--verify-data', store];
    await promisify(execFile)(tool, words, {
      env: {
        ...process.env,
        ...{ RESTIC_PASSWORD: password, BORG_PASSPHRASE: password, BORG_BASE_DIR: folder },
        ...{ BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' },
        ...{ BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' },
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describeWithTool('a real store of another program', ['restic', 'borg'], () => {
  it.skipIf(noRealTrees).each(STORES)(
    'is copied byte for byte, and $tool reads all of it: $archive, $folder',
    async (store) => {
      const files = await copied(store);
      const digests = [...files].map(([path, bytes]): [string, string] => [
        path,
        createHash('sha256').update(bytes).digest('hex'),
      ]);
      expect(new Map(digests)).toEqual(await listed(store));
      await check(store, files);
    },
  );
});
