import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import { testJob } from '../../support/session/test-site.js';
import { makeSharedDatastore } from '../../support/tree/datastore.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.UTC(2026, 10, 26, 20);
const HOUR_MS = 3_600_000;
const JOB = testJob({ retention: { type: 'days', value: 14 }, compact: null });
const CHAIN = chainFolder('nightly', 'pbs-.');

const WEB = 'vm/100/2026-11-24T22:00:00Z';
const MAIL = 'vm/101/2026-11-24T22:00:00Z';
const BOX = 'ns/dmz/ct/200/2026-11-24T22:00:00Z';

describe('a health check of a copied datastore of Proxmox Backup Server', () => {
  let folder: string;
  let offsite: BackupRepository;
  let sessions: LocalSessions;
  let chunks: Awaited<ReturnType<typeof makeSharedDatastore>>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-datastore-'));
    for (const name of ['primary', 'offsite']) await mkdir(join(folder, name));
    const open = (id: string) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
    offsite = await open('offsite');
    sessions = new LocalSessions([await open('primary'), offsite]);
    chunks = await makeSharedDatastore(join(folder, 'primary'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const source = (path: string) => join(folder, 'primary', path);
  const copied = (path: string) => join(folder, 'offsite', CHAIN, 'files', path);

  /** Result, notes, and health of each snapshot. */
  async function checked(atMs: number) {
    const { result, notes } = await sessions.verify('offsite', atMs);
    const { points } = (await readTreeRecord(offsite, CHAIN))!;
    const health = Object.fromEntries(
      points.map((point) => [point.source.restorePointId, point.health]),
    );
    return { result, notes, health };
  }

  it('finds nothing where each chunk of each index is there, and heals what the source still has', async () => {
    await sessions.copy(JOB, NOW_MS);
    const health = { [WEB]: 'good', [MAIL]: 'good', [BOX]: 'good' };
    const found = await checked(NOW_MS + HOUR_MS);
    expect(found).toEqual({ result: 'success', notes: [], health });
    await writeFile(copied(chunks.all), 'x');
    const again = await checked(NOW_MS + 2 * HOUR_MS);
    expect(again.notes.join('\n')).toContain('was healed');
    expect(again.health).toEqual(health);
  });

  it('names the snapshots that need a chunk which the source did not have, or had empty, as a server leaves it that lost power', async () => {
    await rm(source(chunks.box));
    await writeFile(source(chunks.mail), '');
    await sessions.copy(JOB, NOW_MS);
    const { result, notes, health } = await checked(NOW_MS + HOUR_MS);
    expect(result).toBe('failed');
    expect(health).toEqual({ [WEB]: 'good', [MAIL]: 'corrupt', [BOX]: 'corrupt' });
    const text = notes.join('\n');
    expect(text).toContain(`"${BOX}/root.pxar.didx" names ${chunks.box}, which is not there`);
    expect(text).toContain(`"${MAIL}/drive-scsi0.img.fidx" names ${chunks.mail}, which`);
    expect(text).toContain(`"${chunks.mail}" is as it was copied, but not what its tool writes`);
  });

  it('calls only the snapshots corrupt that need what the copy has lost, and lets sessions remove what goes', async () => {
    await sessions.copy(JOB, NOW_MS);
    await rm(source(chunks.box)); // nobody can heal it
    await rm(copied(chunks.box));
    const { result, health } = await checked(NOW_MS + HOUR_MS);
    expect(result).toBe('failed');
    expect(health).toEqual({ [WEB]: 'good', [MAIL]: 'good', [BOX]: 'corrupt' });
    await rm(source(MAIL), { recursive: true });
    await rm(source(chunks.mail));
    await sessions.copy(JOB, NOW_MS + 24 * HOUR_MS);
    await cp(source(WEB), source('vm/100/2026-12-16T19:00:00Z'), { recursive: true });
    await sessions.copy(JOB, NOW_MS + 20 * 24 * HOUR_MS);
    await expect(readFile(copied(chunks.mail))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readFile(copied(chunks.web))).resolves.toBeDefined();
  });
});
