import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import type { UnseenPart } from '../../../../src/domain/sources/unseen-part.js';
import { ALL_ALLOWED } from '../../../../src/domain/sources/workload-rules.js';
import type { BackupLayout } from '../../../../src/layout/backup-layout.js';
import { pointEvidence } from '../../../../src/layout/point-evidence.js';
import { scanRepository, scanWorkload } from '../../../../src/layout/scan-repository.js';
import { settleChains } from '../../../../src/layout/images/settle-chains.js';
import { makeLayoutKnown } from '../../../support/layout/known-layout.js';
import { noteReads } from '../../../support/layout/many-machines.js';
import { notClaimedOnce } from '../../../support/layout/claimed-once.js';
import { copyToRepository, type RepositoryCopy } from '../../../support/layout/repository-copy.js';

/** Exports in a folder each: `<machine>/export-<day>/` with disks, at any depth below, and a list; `<machine>.txt` beside them. */
const exportLayout: BackupLayout = {
  restoredWith: 'its own tool',
  name: 'export',
  type: { id: 'exported-machine', title: 'Exported machines', rules: ALL_ALLOWED },
  claim: ({ files, folders }) => {
    const own = folders.filter((name) => name.startsWith('export-'));
    return own.length === 0
      ? null
      : { files: files.filter((name) => name.endsWith('.txt')), folders: own };
  },
  isOwn: (within) => /\.(raw|list)$/.test(within),
  scan: (_facts, { folder, files }) => {
    const days = new Set(files.flatMap(({ within }) => /^export-\d+/.exec(within)?.[0] ?? []));
    const restorePoints = [...days].map((day) => {
      const own = files.filter(({ within }) => within.startsWith(`${day}/`));
      const disks = own.filter(({ name }) => name.endsWith('.raw'));
      return {
        ...{ id: day, workloadId: `export-${folder}`, kind: 'full' as const, parentId: null },
        createdAtMs: Date.UTC(2026, 10, Number(day.slice(7))),
        disks: disks.map(({ within, path, stamp }) => ({
          ...{ disk: within.slice(day.length + 1), path, format: 'raw', kind: 'full' as const },
          ...{ parentRestorePointId: null, stamp },
        })),
        companions: own.filter(({ name }) => name.endsWith('.list')).map(({ path }) => ({ path })),
        ...{ faults: [], evidence: pointEvidence(own, 'silent') },
      };
    });
    const found = {
      id: `export-${folder}`,
      name: folder,
      restorePoints: settleChains(restorePoints),
    };
    return Promise.resolve([found]);
  },
};

async function write({ at }: RepositoryCopy, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(at(path.slice(0, path.lastIndexOf('/') + 1)), { recursive: true });
    await writeFile(at(path), Buffer.alloc(512, 1));
  }
}

describe('a layout that claims folders', () => {
  it('is handed all of them with the folder that they lie in, and the walk goes on beside them', async () => {
    makeLayoutKnown(exportLayout);
    const copy = await copyToRepository(null);
    await write(
      copy,
      ...['a/web/web.txt', 'a/web/export-1/x.list', 'a/web/export-1/disks/0/vda.raw'],
      ...['a/web/export-2/vda.raw', 'a/web/more/db/export-3/vda.raw', 'a/web/more/notes'],
    );
    const unrecognised: UnrecognisedFiles[] = [];
    const workloads = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
    });
    expect(
      workloads.map(({ id, type, folders, restorePoints }) => ({
        ...{ id, type, folders },
        points: restorePoints.map(({ disks, companions }) => [
          ...disks.map(({ path }) => path),
          ...companions.map(({ path }) => path),
        ]),
      })),
    ).toEqual([
      {
        ...{ id: 'export-a/web', type: 'exported-machine', folders: ['a/web'] },
        points: [
          ['a/web/export-1/disks/0/vda.raw', 'a/web/export-1/x.list'],
          ['a/web/export-2/vda.raw'],
        ],
      },
      {
        ...{ id: 'export-a/web/more/db', type: 'exported-machine' },
        folders: ['a/web/more/db'],
        points: [['a/web/more/db/export-3/vda.raw']],
      },
    ]);
    expect(unrecognised).toEqual([{ folder: 'a/web/more', fileCount: 1, examples: ['notes'] }]);
  });

  it('finds a workload again at the price of its own folders', async () => {
    makeLayoutKnown(exportLayout);
    const copy = await copyToRepository(null);
    await write(copy, 'web/export-1/0/vda.raw', 'web/old/x', 'db/export-1/vda.raw');
    const [, web] = await scanRepository(copy.repository);
    const { listed } = noteReads(copy.repository);
    expect(await scanWorkload(copy.repository, 'export-web', web!.folders)).toEqual(web);
    expect(listed).toEqual(['web', 'web/export-1', 'web/export-1/0']);
  });

  it('names what it does not know in them, and what no path can name', async () => {
    makeLayoutKnown(exportLayout);
    const copy = await copyToRepository(null);
    await write(
      copy,
      ...['web/export-1/vda.raw', 'web/export-1/readme', 'web/export-1/in/core', 'web/stranger'],
      ...['web/export-1/job/mail/chain.json', 'web/export-1/job/mail/vda.raw'],
    );
    await writeFile(Buffer.concat([Buffer.from(copy.at('web/export-1/')), Buffer.of(0xff)]), 'x');
    const unrecognised: UnrecognisedFiles[] = [];
    const unseen: UnseenPart[] = [];
    const [web] = await scanRepository(copy.repository, {
      onUnrecognised: (files) => unrecognised.push(files),
      onUnseen: (part) => unseen.push(part),
    });
    expect(web!.restorePoints.map(({ disks }) => disks.map(({ path }) => path))).toEqual([
      ['web/export-1/vda.raw'],
    ]);
    expect(unrecognised).toEqual([
      { folder: 'web', fileCount: 1, examples: ['stranger'] },
      { folder: 'web/export-1', fileCount: 1, examples: ['readme'] },
      { folder: 'web/export-1/in', fileCount: 1, examples: ['core'] },
    ]);
    expect(unseen).toEqual([
      { path: String.raw`web/export-1/\xff`, code: 'NAME_UNSUPPORTED' },
      { path: 'web/export-1', code: 'SOURCE_HOLDS_TARGET' },
    ]);
  });

  it('follows no link out of them, and passes over what a NAS leaves there', async () => {
    makeLayoutKnown(exportLayout);
    const copy = await copyToRepository(null);
    await write(
      copy,
      ...['web/export-1/vda.raw', 'web/export-1/.snapshot/vdb.raw', 'web/export-1/vdc.raw.partial'],
      'elsewhere/secret/vdd.raw',
    );
    await symlink(copy.at('elsewhere/secret'), copy.at('web/export-1/out'));
    await symlink(copy.at('elsewhere/secret/vdd.raw'), copy.at('web/export-1/vde.raw'));
    const [web] = await scanRepository(copy.repository);
    expect(web!.restorePoints.flatMap(({ disks }) => disks.map(({ disk }) => disk))).toEqual([
      'vda.raw',
    ]);
  });
});

describe('a machine and a tree in one folder', () => {
  const DAY = '2026-11-24';
  const BAK = `${DAY}/web/SQL01_shop_FULL_20261124_010000.bak`;

  it('have each what is theirs: files of a tree in the folder of a machine are that one’s', async () => {
    makeLayoutKnown({
      ...exportLayout,
      claim: ({ folders }) => (folders.includes(DAY) ? { files: [], folders: [DAY] } : null),
      isOwn: (within) => /\.raw$/.test(within),
      scan: (facts, claimed) =>
        exportLayout.scan(facts, {
          ...claimed,
          files: claimed.files.map((file) => ({
            ...file,
            within: `export-1/${file.name}`,
          })),
        }),
    });
    const copy = await copyToRepository(null);
    await write(copy, `${DAY}/web/vda.raw`, BAK);
    const found = await scanRepository(copy.repository, { onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual(['export-', 'mssql-shop-sql01-.']);
    expect(await notClaimedOnce(copy)).toEqual([]);
  });

  it('are found both where the folder of the tree is the one above that of the machine', async () => {
    const copy = await copyToRepository(null);
    await write(copy, BAK, `${DAY}/web/export-1/vda.raw`);
    makeLayoutKnown(exportLayout);
    const found = await scanRepository(copy.repository, { onUnrecognised() {} });
    expect(found.map(({ id }) => id)).toEqual([`export-${DAY}/web`, 'mssql-shop-sql01-.']);
    expect(await notClaimedOnce(copy)).toEqual([]);
  });
});

describe('layouts that know the same names', () => {
  it('share no file: the first row has it, the next is asked for the rest', async () => {
    const asked: (readonly string[])[] = [];
    const rest: BackupLayout = {
      restoredWith: 'its own tool',
      name: 'rest',
      type: { id: 'rest', title: 'Rest', rules: ALL_ALLOWED },
      claim: ({ files, folders }) => {
        asked.push([...files, ...folders]);
        return null;
      },
      scan: () => Promise.resolve([]),
    };
    makeLayoutKnown(exportLayout, rest);
    const copy = await copyToRepository(null);
    await write(copy, 'web/export-1/vda.raw', 'web/web.txt', 'web/stranger', 'web/old/x');
    await scanRepository(copy.repository);
    expect(asked).toEqual([['web'], ['stranger', 'old'], ['x']]);
  });
});
