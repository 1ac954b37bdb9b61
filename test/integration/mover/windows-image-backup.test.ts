import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { qemuBytes, requireTool } from '../../support/image/qemu.js';
import { fixtureImage } from '../../support/image/real-images.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const NOW_MS = Date.now() + 10 * 86_400_000;
const WRITTEN_AT = new Date('2026-11-23T12:50:00Z');
const CHAIN = chainFolder('nightly', 'windows-WindowsImageBackup:L4MPJE-PC');
const PC = 'WindowsImageBackup/L4MPJE-PC';
const BACKUP = `${PC}/Backup 2026-11-23 124351`;
const VOLUME = `${BACKUP}/9b9cfbc3-369e-11e9-a17c-806e6f6e6963.vhd`;
const MIB = 1024 * 1024;

/** Files of `wbadmin` beside the disk; one is too large for the commit record. */
const BESIDE: Readonly<Record<string, Buffer>> = {
  [`${PC}/MediaId`]: Buffer.from('0123456789abcdef'),
  [`${PC}/Catalog/GlobalCatalog`]: Buffer.alloc(2 * MIB + 17, 'catalog'),
  [`${PC}/Catalog/BackupGlobalCatalog`]: Buffer.from('backup of the catalog'),
  [`${PC}/SPPMetadataCache/{b1b2b3b4-0000-4000-8000-00000000cafe}`]: Buffer.from('metadata'),
  [`${BACKUP}/BackupSpecs.xml`]: Buffer.from(
    String.raw`<BackupSpecs><FileSpecs><Volume Name="\\?\Volume{9b9cfbc3-369e-11e9-a17c-806e6f6e6963}\"/></FileSpecs></BackupSpecs>`,
  ),
  [`${BACKUP}/b1b2b3b4-0000-4000-8000-00000000cafe_Components.xml`]: Buffer.from('<y/>'),
};

describe.skipIf(!requireTool('qemu-img'))('a backup of Windows', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('windows', ['restored']));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    const at = join(folder, 'primary', path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, bytes);
    await utimes(at, WRITTEN_AT, WRITTEN_AT);
  }

  it('comes back as the tree that wbadmin left, with its disks and every file beside them', async () => {
    const volume = fixtureImage('hyperv/fat-parent.vhd.gz').bytes;
    await put(VOLUME, volume);
    for (const [path, bytes] of Object.entries(BESIDE)) await put(path, bytes);
    await new LocalSessions([primary, offsite]).copy(testJob(), NOW_MS);
    const [point] = (await readChainRecord(offsite, CHAIN))!.points;
    const restored = join(folder, 'restored');
    const into = await openDirectoryRepository({
      id: folderRepositoryId(restored),
      rootPath: restored,
      readOnly: false,
    });
    const order = { chain: CHAIN, pointId: point!.id };
    const layout = { ...order, format: 'same', layout: true, intoExisting: true } as const;
    await restoreInto(into, offsite, layout);

    const entries = await readdir(restored, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(restored.length + 1));
    expect(paths.sort()).toEqual([VOLUME, ...Object.keys(BESIDE)].sort());
    for (const [path, bytes] of Object.entries(BESIDE)) {
      expect((await readFile(join(restored, path))).equals(bytes), path).toBe(true);
      expect((await stat(join(restored, path))).mtime).toEqual(WRITTEN_AT);
    }
    const seen = await qemuBytes(join(restored, VOLUME), 'vpc');
    expect(firstDifference(seen, volume.subarray(0, 4 * MIB))).toBeNull();
    // a fixed disk stays one
    expect((await stat(join(restored, VOLUME))).size).toBe(4 * MIB + 512);
  });
});
