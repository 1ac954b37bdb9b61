import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { listRestorePoints } from '../../../src/mover/look/browse.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.now();
const KEYS = 'vmware:key/list/(pair/(fqid/<VMWARE-NULL>/kms/a4e7494f))';

let folder: string;
let primary: BackupRepository;
let offsite: BackupRepository;
beforeEach(async () => {
  ({ folder, primary, offsite } = await sourceAndTarget('encrypted'));
});
afterEach(() => rm(folder, { recursive: true }));

async function chainPoints() {
  const [workload] = await listSourceWorkloads(primary);
  const chain = chainFolder('nightly', workload!.id);
  return { chain, points: (await readChainRecord(offsite, chain))!.points };
}

async function restored(format: 'same' | 'raw' | 'qcow2', place = -1): Promise<string[]> {
  const path = join(folder, `${format} ${place}`);
  await mkdir(path);
  const { chain, points } = await chainPoints();
  const point = points.at(place);
  const destination = await openDirectoryRepository({
    ...{ id: folderRepositoryId(path), rootPath: path, readOnly: false },
  });
  return restoreInto(destination, offsite, { chain, pointId: point!.id, format });
}

it('a copy of an encrypted VMDK is restored as one, and as nothing that would lose its keys', async () => {
  const disk = { virtualSizeBytes: 4 * 65_536, blocks: new Map([[1, blockOf(1)]]) };
  const dialect = { adapterType: 'lsilogic', encryption: { encryptionKeys: KEYS } };
  const file = await composeDisk(composerOf('vmdk'), { ...disk, dialect }, 'web01.vmdk');
  const path = join(folder, 'primary', 'web01.vmdk');
  await writeFile(path, file.bytes);
  await utimes(path, NOW_MS / 1_000 - 9_000, NOW_MS / 1_000 - 9_000);
  expect((await new LocalSessions([primary, offsite]).copy(testJob(), NOW_MS)).result).toBe(
    'success',
  );

  const [same] = await restored('same');
  expect((await readFile(same!)).toString('latin1')).toContain(`encryptionKeys="${KEYS}"`);
  for (const format of ['raw', 'qcow2'] as const)
    await expect(restored(format)).rejects.toMatchObject({ code: 'IMAGE_ENCRYPTED' });
});

/** As lists show them, oldest first. */
async function restorePointViews() {
  const look = { what: 'restorePoints', nowMs: NOW_MS, settleMs: 0, immutableForDays: 0 } as const;
  const context = new InProcessMover(offsite).context();
  const { items } = await listRestorePoints(context, { repositoryId: 'offsite', ...look });
  return [...items].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

const DISK_BYTES = 4 * 65_536;

/** A disk of a descriptor and a flat file, which is composed anew in the copy. */
async function writeDisk(keys: string, byte: number, daysAgo: number): Promise<Buffer> {
  const bytes = Buffer.alloc(DISK_BYTES, 0x33);
  bytes.fill(byte, 65_536, 2 * 65_536);
  const text = [
    ...['# Disk DescriptorFile', 'version=1', `CID=${String(byte).padStart(8, '0')}`],
    ...['parentCID=ffffffff', 'createType="monolithicFlat"', keys],
    `RW ${DISK_BYTES / 512} FLAT "web01-flat.vmdk" 0`,
    'ddb.adapterType = "lsilogic"',
  ].join('\n');
  const at = NOW_MS / 1_000 - daysAgo * 86_400;
  for (const [name, content] of [
    ['web01.vmdk', `${text}\n`],
    ['web01-flat.vmdk', bytes],
  ] as const) {
    await writeFile(join(folder, 'primary', name), content);
    await utimes(join(folder, 'primary', name), at, at);
  }
  return bytes;
}

const KEY_LINE = `encryptionKeys="${KEYS}"`;

it('a copy of an encrypted VMDK that is composed keeps its keys, and is restored as nothing else', async () => {
  const bytes = await writeDisk(KEY_LINE, 1, 2);
  expect((await new LocalSessions([primary, offsite]).copy(testJob(), NOW_MS)).result).toBe(
    'success',
  );
  const { points } = await chainPoints();
  expect(points.map(({ disks }) => disks[0]!.format)).toEqual(['vmdk']);

  const [same] = await restored('same');
  const file = await readFile(same!);
  expect(file.toString('latin1')).toContain(KEY_LINE);
  expect(file.includes(bytes.subarray(65_536, 2 * 65_536))).toBe(true);
  for (const format of ['raw', 'qcow2'] as const)
    await expect(restored(format)).rejects.toMatchObject({ code: 'IMAGE_ENCRYPTED' });
});

// What an earlier build has made of an encrypted disk: a chain of which no file has the lines of its keys.
it('copies of an encrypted VMDK without its keys are named, and nothing builds on them', async () => {
  const job = testJob({ retention: { type: 'restorePoints', value: 9 } });
  const sessions = new LocalSessions([primary, offsite]);
  const copied = async () => {
    const { tasks, result } = await sessions.copy(job, (now += 3_600_000));
    return { result, reason: tasks[0]!.reason ?? '', notes: tasks[0]!.notes.join('; ') };
  };
  let now = NOW_MS;
  await writeDisk('', 1, 3);
  await copied();
  await writeDisk('', 2, 2);
  await copied();
  const before = (await chainPoints()).points;
  expect(before.map(({ kind }) => kind)).toEqual(['full', 'increment']);

  await writeDisk(KEY_LINE, 3, 1);
  const first = await copied();
  const [one, two] = before.map(({ id }) => id);
  const named = `restore points ${one} to ${two} (2) have none of the lines by which its keys are found`;
  expect(first).toMatchObject({ result: 'warning' });
  expect(first.reason).toContain(named);
  // Whoever lists them, or restores one, is told, too.
  const marks = (await chainPoints()).points.map(({ disks }) => disks[0]!.lacksKeys ?? false);
  expect(marks).toEqual([true, true, false]);
  const views = await restorePointViews();
  expect(views.map(({ reason }) => reason?.includes('without a descriptor'))).toEqual([
    ...[true, true],
    undefined,
  ]);
  // It may be of the time before the encryption, as it is here: it is restored as anything.
  expect((await readFile((await restored('raw', 0))[0]!)).includes(Buffer.alloc(4096, 0x33))).toBe(
    true,
  );
  expect(await restored('same', 0)).toHaveLength(1);
  await writeDisk(KEY_LINE, 4, 0.5);
  const second = await copied();
  expect(second.result).toBe('success');
  expect(second.notes).toContain(named);

  const { points } = await chainPoints();
  expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'full', 'increment']);
  expect((await readFile((await restored('same'))[0]!)).toString('latin1')).toContain(KEY_LINE);
});
