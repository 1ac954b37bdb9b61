import { describe, expect, it } from 'vitest';
import type { CopySessionOutcome } from '../../../../workflows/messages.js';
import { BARMAN_IDS, barmanFiles, SHARD } from '../../../support/layout/barman-files.js';
import { segmentName } from '../../../support/layout/cluster-files.js';
import {
  PROBACKUP_IDS,
  probackupBackup,
  probackupControl,
  probackupFiles,
} from '../../../support/layout/probackup-files.js';
import { walgBackup, walgLog } from '../../../support/layout/walg-files.js';
import { CopiedTree } from '../../../support/tree/copied-tree.js';
import { olaFull, SMALL_TREES, type TreeFiles } from '../../../support/tree/small-trees.js';
import { DAY_MS } from '../../../support/tree/tree-world.js';

const notesOf = ({ tasks }: CopySessionOutcome): string =>
  tasks.flatMap(({ notes, reason }) => [...notes, reason ?? '']).join('\n');

const idsOf = async (tree: CopiedTree): Promise<string[]> =>
  (await tree.record()).points.map(({ source }) => source.restorePointId);

const NEW_SEGMENT = [`main/${SHARD}/${segmentName(14)}`, Buffer.alloc(1024 * 1024)] as const;

describe('a program that encrypts in place', () => {
  it('and is at the data of Barman when a segment arrives stops the session that this starts', async () => {
    const tree = await CopiedTree.of(barmanFiles());
    const before = await tree.copied();
    await tree.encrypt((path) => path.startsWith('base/'));
    await tree.write(...NEW_SEGMENT);
    const { tasks } = await tree.session();
    expect(tasks[0]).toMatchObject({ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' });
    expect(await tree.copied()).toEqual(before);
    // An operator may say that this was meant.
    const agreed = await tree.session({ acceptChanges: true });
    expect(agreed.result).not.toBe('actionRequired');
    expect((await tree.session()).result).not.toBe('actionRequired');
  });

  it('and has come to one backup of Barman leaves what the copy has of it', async () => {
    const tree = await CopiedTree.of(barmanFiles());
    const before = await tree.copied();
    const info = `base/${BARMAN_IDS[0]}/backup.info`;
    await tree.encrypt((path) => path === info);
    for (let look = 0; look < 2; look++) {
      const outcome = await tree.session();
      expect(outcome.result).toBe('warning');
      expect(notesOf(outcome)).toContain(`${BARMAN_IDS[0]} is broken at the source`);
      expect((await tree.copied()).get(info)).toEqual(before.get(info));
    }
    expect(await idsOf(tree)).toContain(BARMAN_IDS[0]);
  });

  it('and hits backups of sets that the copy has whole is told until an operator has agreed', async () => {
    const tree = await CopiedTree.of(SMALL_TREES.pbm!());
    const day = '2026-11-20T22:00:00Z';
    await tree.encrypt((path) => path === `${day}.pbm.json`);
    const outcome = await tree.session();
    expect(outcome.result).toBe('warning');
    expect(notesOf(outcome)).toMatch(
      new RegExp(`^1 restore point is broken at the source.*${day}`, 'm'),
    );
    await tree.session({ acceptChanges: true });
    expect((await tree.session()).result).toBe('nothingToCopy');
    expect(await idsOf(tree)).toContain(day);
    // Agreed to that one, and no other.
    await tree.encrypt((path) => path.endsWith('.pbm.json'));
    expect((await tree.session()).result).toBe('actionRequired');
  });

  it('and leaves head and tail of one file of SQL Server is told', async () => {
    const tree = await CopiedTree.of(SMALL_TREES.mssql!());
    await tree.encrypt((path) => path.includes('20261121'), true);
    const outcome = await tree.session();
    expect(outcome.result).toBe('warning');
    expect(notesOf(outcome)).toMatch(/has written other bytes into files of .*20261121/);
  });
});

describe('what tools do to their backups goes on', () => {
  it('a merge of pg_probackup, which writes a full anew and gives it the folder of the increment', async () => {
    const [full, delta] = PROBACKUP_IDS;
    const tree = await CopiedTree.of(probackupFiles());
    const at = `pb/backups/node/${full}`;
    for (const name of ['database/base/5/1259', 'database/global/pg_control', 'page_header_map'])
      await tree.write(`${at}/${name}`, 'merged');
    await tree.write(`${at}/backup.control`, probackupControl({ day: 23, status: 'MERGING' }));
    const midway = await tree.session();
    expect(midway.result, notesOf(midway)).not.toBe('actionRequired');
    await tree.removeAll(at);
    const merged = probackupBackup(delta, { segment: 12 });
    for (const [path, content] of Object.entries(merged)) await tree.write(path, content);
    await tree.write(`pb/backups/node/${delta}/database/base/5/1259`, 'merged');
    const after = await tree.session();
    expect(after.result, notesOf(after)).not.toBe('actionRequired');
    expect(notesOf(after)).not.toContain('that its tool did not remove');
    expect((await tree.copied()).get(`backups/node/${delta}/database/base/5/1259`)).toEqual(
      Buffer.from('merged'),
    );
  });

  it('a backup of SQL Server under one name each night', async () => {
    const fullOf = (day: string, at: number) => olaFull(day, at)[1];
    const files: Record<string, Buffer> = { 'sql/Sales.bak': fullOf('2026-11-20', 1_000) };
    const tree = await CopiedTree.of(files);
    for (const [night, day] of ['2026-11-21', '2026-11-22', '2026-11-23'].entries()) {
      await tree.write('sql/Sales.bak', fullOf(day, 2_000 + 20 * night));
      const outcome = await tree.session();
      expect(outcome.result, notesOf(outcome)).toBe('warning');
      expect(notesOf(outcome)).toContain(
        'is no longer in the copy: the source has written another',
      );
      expect(notesOf(outcome)).not.toMatch(/broken|gone from the source|other bytes/);
    }
  });

  it('the note of Barman that a backup is to stay, and what takes it off again', async () => {
    const note = `main/base/${BARMAN_IDS[0]}/annotations/keep`;
    const tree = await CopiedTree.of({ ...barmanFiles(), [note]: 'full' });
    await tree.remove(note);
    expect(notesOf(await tree.session())).not.toContain('did not remove');
  });
});

describe('a file that the source lost', () => {
  const walg: TreeFiles = {
    ...walgBackup(`base_${segmentName(9)}`, 9),
    ...walgBackup(`base_${segmentName(12)}`, 12),
    ...walgLog(9, 10, 11, 12, 13, 14),
  };
  it.each<[string, TreeFiles, string, string, string]>([
    ['Barman', barmanFiles(), `main/base/${BARMAN_IDS[1]}/`, 'data/base/5/1259', BARMAN_IDS[1]],
    [
      'WAL-G',
      walg,
      `pg/basebackups_005/base_${segmentName(12)}`,
      '/tar_partitions/part_001.tar.lz4',
      `base_${segmentName(12)}`,
    ],
    [
      'pg_probackup',
      probackupFiles(),
      `pb/backups/node/${PROBACKUP_IDS[1]}/`,
      'database/base/5/1259',
      PROBACKUP_IDS[1],
    ],
  ])(
    'of %s stays as long as its backup is there, and goes with it',
    async (_, files, at, file, id) => {
      const tree = await CopiedTree.of(files);
      const inCopy = `${at}${file}`.slice(tree.root.length);
      await tree.remove(`${at}${file}`);
      for (let look = 0; look < 4; look++) {
        const outcome = await tree.session();
        expect(outcome.result).toBe('warning');
        expect(notesOf(outcome)).toMatch(
          /1 file is gone from the source that its tool did not remove/,
        );
        tree.nowMs += 10 * DAY_MS;
      }
      expect((await tree.copied()).has(inCopy)).toBe(true);
      // Folders of WAL-G stay, empty.
      if (at.endsWith('/')) await tree.removeAll(at.slice(0, -1));
      else
        for (const path of Object.keys(files))
          if (path.startsWith(at) && path !== `${at}${file}`) await tree.remove(path);
      const removed = await tree.session();
      expect(notesOf(removed)).not.toContain('did not remove');
      const { points, index } = await tree.record();
      const gone = points.find(({ source }) => source.restorePointId === id)!;
      expect(gone.goneSince).toBeDefined();
      const own = Object.keys(files).filter((path) => path.startsWith(at));
      expect(index.reduce((sum, { goneCount }) => sum + goneCount, 0)).toBe(own.length);
    },
  );
});

describe('restore points of sets that are gone from the source', () => {
  const olas = Object.keys(SMALL_TREES.mssql!());

  it('newest first are told, because no tool removes them so, until an operator has agreed', async () => {
    const tree = await CopiedTree.of(SMALL_TREES.mssql!());
    for (const path of olas.slice(-2)) await tree.remove(path);
    for (let look = 0; look < 2; look++) {
      const outcome = await tree.session();
      expect(outcome.result).toBe('warning');
      expect(notesOf(outcome)).toContain('2 restore points are gone from the source');
    }
    await tree.session({ acceptChanges: true });
    expect((await tree.session()).result).toBe('nothingToCopy');
    expect(await idsOf(tree)).toHaveLength(5);
  });

  it('oldest first, as each retention removes them, are not', async () => {
    const tree = await CopiedTree.of(SMALL_TREES.mssql!());
    for (const path of olas.slice(0, 4)) await tree.remove(path);
    expect((await tree.session()).result).toBe('nothingToCopy');
  });

  it('and were thinned out behind a newer one are not', async () => {
    const tree = await CopiedTree.of(SMALL_TREES.mssql!());
    for (const path of olas.slice(1, 4)) await tree.remove(path);
    expect((await tree.session()).result).toBe('nothingToCopy');
  });
});
