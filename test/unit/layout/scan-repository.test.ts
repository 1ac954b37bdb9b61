import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import {
  unrecognisedReason,
  type UnrecognisedFiles,
} from '../../../src/domain/sources/unrecognised.js';
import { scanRepository, scanWorkload } from '../../../src/layout/scan-repository.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { noteReads } from '../../support/layout/many-machines.js';
import { chainWorkflowId } from '../../../workflows/messages.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';

const FILES01 = 'libvirt-4d2a9f61-8c35-4e70-b1d8-0f6e3a7c5b92';
const WEB01 = 'libvirt-0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';

async function idsIn(repository: BackupRepository): Promise<string[]> {
  return (await scanRepository(repository)).map(({ id }) => id);
}

/** Makes reading of one path fail as a share does that has gone away. */
function failReading(repository: BackupRepository, failing: string): void {
  const openRead = repository.openRead.bind(repository);
  repository.openRead = async (path) => {
    if (path === failing)
      throw new BackupError('REPOSITORY_IO_ERROR', `cannot read ${path}: input/output error`);
    return openRead(path);
  };
}

describe('scanRepository', () => {
  it('names what no layout claims, folder by folder, beside what one does', async () => {
    const { repository, at } = await copyToRepository(null);
    const fixtures = await copyToRepository('');
    await cp(fixtures.at('libvirt-push/web01'), at('web01'), { recursive: true });
    await cp(fixtures.at('ovirt'), at('ovirt'), { recursive: true });
    await rm(at('ovirt/truth.json')); // the fixture's own
    const found: UnrecognisedFiles[] = [];
    const onUnrecognised = (files: UnrecognisedFiles) => found.push(files);
    await scanRepository(repository, { onUnrecognised });
    expect(found).toEqual([]);
    await mkdir(at('veeam'));
    for (const name of ['db01.vbk', 'db01.vib', 'db01.vbm', 'z.txt', '.hidden', 'half.partial'])
      await writeFile(at(`veeam/${name}`), 'x');
    await writeFile(at('web01/notes.txt'), 'x');
    await writeFile(at('README'), 'x');
    await mkdir(at('pictures'));
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'sales.fbk'])
      await writeFile(at(`pictures/${name}`), 'x');
    await scanRepository(repository, { onUnrecognised });
    expect(found.sort((a, b) => (a.folder < b.folder ? -1 : 1))).toEqual([
      { folder: '.', fileCount: 1, examples: ['README'] },
      {
        ...{ folder: 'pictures', fileCount: 5, examples: ['sales.fbk', 'a.jpg', 'b.jpg'] },
        tool: 'Firebird',
      },
      {
        ...{ folder: 'veeam', fileCount: 4, examples: ['db01.vbk', 'db01.vbm', 'db01.vib'] },
        tool: 'Veeam Backup & Replication',
      },
      { folder: 'web01', fileCount: 1, examples: ['notes.txt'] },
    ]);
    expect(unrecognisedReason(found.find(({ folder }) => folder === 'veeam')!)).toBe(
      '"db01.vbk", "db01.vbm", "db01.vib" and 1 more are of no backup layout that this release knows (as it seems, a backup of Veeam Backup & Replication), so they are not copied',
    );
  });

  it('bounds the ids of what lies below long names, and finds it by them', async () => {
    const { repository, at } = await copyToRepository(null);
    const names = Array.from(
      { length: 5 },
      (_, level) => `${'каталог резервных копий '.repeat(4)}${level}`,
    );
    const deep = names.join('/');
    await mkdir(at(`${deep}/share/2026-11-24-010000`), { recursive: true });
    await writeFile(at(`${deep}/share/backup.marker`), '');
    await writeFile(at(`${deep}/share/2026-11-24-010000/plan`), 'x');
    for (const name of ['a.raw', 'b.raw'])
      await writeFile(at(`${deep}/${name}`), Buffer.alloc(512));
    const found = await scanRepository(repository);
    expect(found.map(({ type }) => type)).toEqual(['dated-tree', 'raw-image', 'raw-image']);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    for (const { id, folders, restorePoints } of found) {
      expect(id.length).toBe(255);
      // Limit of Temporal for ids of workflows, in bytes.
      const longest = chainWorkflowId('t'.repeat(63), 'j'.repeat(63), id);
      expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(1_000);
      expect(restorePoints.map(({ workloadId }) => workloadId)).toEqual(
        restorePoints.map(() => id),
      );
      expect((await scanWorkload(repository, id, folders))?.restorePoints).toEqual(restorePoints);
    }
  });

  it('finds the workloads of all layouts, sorted by id, wherever their folders lie', async () => {
    const { repository, at } = await copyToRepository(null);
    const fixtures = await copyToRepository('');
    await cp(fixtures.at('libvirt-push'), at('a/b/kvm'), { recursive: true });
    await cp(fixtures.at('ovirt'), at('olvm'), { recursive: true });
    const workloads = await scanRepository(repository);
    expect(workloads.map(({ id, restorePoints }) => [id, restorePoints.length])).toEqual([
      [WEB01, 3],
      [FILES01, 3],
      ['ovirt-olvm:dns01', 2],
      ['ovirt-olvm:mail01', 3],
    ]);
  });

  it('finds nothing in an empty repository', async () => {
    expect(await idsIn((await copyToRepository(null)).repository)).toEqual([]);
  });

  it.each(['chain.json', 'chain.json.copy'])(
    'passes over a folder with %s and everything below it',
    async (record) => {
      const { repository, at } = await copyToRepository(null);
      const fixtures = await copyToRepository('libvirt-push');
      await cp(fixtures.at('files01'), at('job/workload'), { recursive: true });
      await cp(fixtures.at('web01'), at('job/workload/2026-11-24T220000Z'), { recursive: true });
      expect(await idsIn(repository)).toEqual([WEB01, FILES01]);
      await writeFile(at(`job/workload/${record}`), '{}');
      expect(await idsIn(repository)).toEqual([]);
    },
  );

  it('joins the chains of one machine that lie in a folder each', async () => {
    const { repository, at } = await copyToRepository('libvirt-push');
    await cp(at('web01'), at('web01-next'), { recursive: true });
    for (const name of ['cp1', 'cp2', 'cp3']) {
      const path = at(`web01-next/checkpoint.${name}.xml`);
      const xml = await readFile(path, 'utf8');
      const seconds = 1_900_000_000 + Number(name.slice(2));
      await writeFile(path, xml.replace(/<creationTime>\d+/, `<creationTime>${seconds}`));
    }
    const web01 = (await scanRepository(repository)).find(({ id }) => id === WEB01);
    const points = web01?.restorePoints.map(({ id, parentId, state }) => [id, parentId, state]);
    expect(points?.slice(3)).toEqual([
      ['cp1-1900000001', null, 'complete'],
      ['cp2-1900000002', 'cp1-1900000001', 'complete'],
      ['cp3-1900000003', 'cp2-1900000002', 'complete'],
    ]);
    expect(points).toHaveLength(6);
  });

  it('lists a restore point that lies in two folders once, as its complete copy', async () => {
    const { repository, at } = await copyToRepository('libvirt-push');
    await cp(at('web01'), at('web01-copy'), { recursive: true });
    await rm(at('web01/vda.cp3.qcow2'));
    const web01 = (await scanRepository(repository)).find(({ id }) => id === WEB01);
    expect(web01?.restorePoints.map(({ state, disks }) => [state, disks[0]?.path])).toEqual([
      ['complete', 'web01/vda.cp1.qcow2'],
      ['complete', 'web01/vda.cp2.qcow2'],
      ['complete', 'web01-copy/vda.cp3.qcow2'],
    ]);
    expect(web01?.folders).toEqual(['web01', 'web01-copy']);
  });

  it('walks the repository once for all layouts', async () => {
    const { repository, at } = await copyToRepository('');
    await rm(at('streams'), { recursive: true }); // what is a tree is listed again by its layout
    const { listed } = noteReads(repository);
    await scanRepository(repository);
    expect(listed).toContain('libvirt-push/web01');
    expect(listed).toContain('ovirt/dns01');
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('calls a point unknown, not broken, when its image or its XML cannot be read just now', async () => {
    for (const name of ['vda.cp2.qcow2', 'checkpoint.cp2.xml']) {
      const { repository } = await copyToRepository('libvirt-push');
      failReading(repository, `web01/${name}`);
      const web01 = (await scanRepository(repository)).find(({ id }) => id === WEB01);
      const cp2 = web01?.restorePoints.find(({ id }) => id.startsWith('cp2'));
      expect(cp2).toMatchObject({
        state: 'unknown',
        reason: `cannot read web01/${name}: input/output error`,
      });
    }
  });

  it.each(['libvirt-push', 'virtnbdbackup'])(
    'fails as a whole when none of the texts of %s that say whose backups these are can be read',
    async (fixture) => {
      const { repository } = await copyToRepository(fixture);
      expect((await idsIn(repository)).length).toBeGreaterThan(0);
      const openRead = repository.openRead.bind(repository);
      repository.openRead = async (path) => {
        if (path.endsWith('.xml')) throw new BackupError('REPOSITORY_IO_ERROR', 'bad sector');
        return openRead(path);
      };
      await expect(scanRepository(repository)).rejects.toMatchObject({
        code: 'REPOSITORY_IO_ERROR',
        message: 'bad sector',
      });
    },
  );

  it('fails as a whole when a folder cannot be read', async () => {
    const { repository } = await copyToRepository('libvirt-push');
    const list = repository.list.bind(repository);
    repository.list = async (folder) => {
      if (folder === 'web01') throw new BackupError('REPOSITORY_UNREACHABLE', 'the share is gone');
      return list(folder);
    };
    await expect(scanRepository(repository)).rejects.toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
    });
  });
});

describe('scanWorkload', () => {
  it('shows every workload as a scan of everything does, and lists its folders alone', async () => {
    const { repository, at } = await copyToRepository('');
    await rm(at('streams'), { recursive: true }); // what is a tree is listed again by its layout
    // A walk comes to web01/old before web01-copy; plain sorting of paths would not.
    await cp(at('libvirt-push/web01'), at('libvirt-push/web01-copy'), { recursive: true });
    await cp(at('libvirt-push/web01-copy'), at('libvirt-push/web01/old'), { recursive: true });
    await rm(at('libvirt-push/web01/vda.cp3.qcow2'));
    const workloads = await scanRepository(repository);
    expect(workloads.find(({ id }) => id === WEB01)?.folders).toEqual([
      'libvirt-push/web01',
      'libvirt-push/web01/old',
      'libvirt-push/web01-copy',
    ]);
    const { listed } = noteReads(repository);
    for (const workload of workloads) {
      listed.length = 0;
      expect(await scanWorkload(repository, workload.id, workload.folders)).toEqual(workload);
      // What a layout has claimed within one is listed with it.
      expect(listed.filter((folder) => !folder.endsWith('/checkpoints'))).toEqual(workload.folders);
    }
  });

  it('shows complete points with their whole chain from one folder of several', async () => {
    const { repository, at } = await copyToRepository('libvirt-push');
    await cp(at('web01'), at('web01-copy'), { recursive: true });
    await rm(at('web01/vda.cp1.qcow2'));
    const whole = await scanWorkload(repository, WEB01, ['web01-copy']);
    expect(whole?.restorePoints.map(({ state }) => state)).toEqual([
      ...['complete', 'complete', 'complete'],
    ]);
    const part = await scanWorkload(repository, WEB01, ['web01']);
    expect(part?.restorePoints.map(({ state }) => state)).toEqual(['broken', 'broken', 'broken']);
  });

  it('finds nothing in a folder that is gone, that is a chain by now, or that holds another machine', async () => {
    const { repository, at } = await copyToRepository('libvirt-push');
    expect(await scanWorkload(repository, WEB01, ['absent/web01'])).toBeNull();
    expect(await scanWorkload(repository, WEB01, ['files01'])).toBeNull();
    await writeFile(at('web01/chain.json'), '{}');
    expect(await scanWorkload(repository, WEB01, ['web01'])).toBeNull();
  });

  it('finds backups that lie in the root', async () => {
    const { repository } = await copyToRepository('libvirt-push/web01');
    expect((await scanRepository(repository)).map(({ folders }) => folders)).toEqual([['']]);
    expect((await scanWorkload(repository, WEB01, ['']))?.restorePoints).toHaveLength(3);
  });
});
