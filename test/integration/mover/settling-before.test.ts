import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { blockOf } from '../../support/image/composed-disk.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

/** No change time of a file can be set back: what is written is whole at once, unless it is dated ahead. */
const SETTLE_MS = 1;
const DAY_MS = 86_400_000;

let folder: string;
let offsite: BackupRepository;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-settling-'));
  for (const name of ['primary', 'offsite']) await mkdir(join(folder, name));
  offsite = await open('offsite', true);
});
afterEach(() => rm(folder, { recursive: true }));

function open(id: string, stampsProve: boolean): Promise<BackupRepository> {
  const rootPath = join(folder, id);
  return openDirectoryRepository({ id, rootPath, readOnly: false, stampsProve });
}

async function backUp(date: string, seed: number): Promise<string> {
  const path = join(folder, 'primary', `web01-${date}.img`);
  await writeFile(path, Buffer.concat([blockOf(seed), blockOf(seed + 1)]));
  return path;
}

async function copiedDates(): Promise<string[]> {
  const { chains } = await findChains(offsite);
  const points = chains.flatMap(({ record }) => record.points);
  return points.map(({ createdAt }) => createdAt.slice(0, 10)).sort();
}

describe.each([
  ['proven stamps', true],
  ['weak stamps, so that each point is looked at anew', false],
])('a source of single files with %s', (_, stampsProve) => {
  it.each([
    ['of all points', { restorePoints: 'all' }],
    ['that is immediate', { mode: 'immediate' }],
  ] as const)(
    'has a backup that was still being written before the one that was copied, and a job %s copies it when it is whole',
    async (__, how) => {
      const sessions = new LocalSessions([await open('primary', stampsProve), offsite], {
        settleMs: SETTLE_MS,
      });
      const job = testJob({ ...how, retention: { type: 'restorePoints', value: 9 } });
      const nowMs = Date.now();
      const ahead = new Date(nowMs + DAY_MS);
      const early = await backUp('2026-11-23', 1);
      await utimes(early, ahead, ahead);
      await backUp('2026-11-24', 11);
      await sessions.copy(job, nowMs);
      expect(await copiedDates()).toEqual(['2026-11-24']);

      const now = new Date();
      await utimes(early, now, now);
      await sessions.copy(job, nowMs + DAY_MS);
      expect(await copiedDates()).toEqual(['2026-11-23', '2026-11-24']);
    },
  );
});
