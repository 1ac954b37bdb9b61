import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
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

async function restored(format: 'same' | 'raw' | 'qcow2'): Promise<string[]> {
  const path = join(folder, format);
  await mkdir(path);
  const [workload] = await listSourceWorkloads(primary);
  const chain = chainFolder('nightly', workload!.id);
  const [point] = (await readChainRecord(offsite, chain))!.points;
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
