import { randomBytes } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { StartOverrides } from '../../../../src/domain/jobs/copy-job.js';
import { lookForNews } from '../../../../src/mover/look/news.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { readWholeFile } from '../../../../src/repository/replace-file.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { treeFile } from '../../../../src/tree/tree-paths.js';
import { hanaFile } from '../../../support/layout/database-trees.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const JOB = testJob({
  ...{ mode: 'immediate', transactionLogs: true, compact: null },
  retention: { type: 'days', value: 14 },
});
const HOUR_MS = 3_600_000;
const TREE = chainFolder(JOB.id, 'hana-hdb');
const FULL = 'hdb/COMPLETE_DATA_BACKUP_databackup';

/** Fulls under the prefix that HANA Studio proposes, which each takes from the one before it. */
async function hanaSite() {
  const source = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  let nowMs = START_MS;
  const full = async (pages: number, volumes: readonly number[] = [1, 2]) => {
    nowMs += HOUR_MS;
    const id = String(nowMs);
    await source.put(`${FULL}_0_1`, hanaFile(id));
    for (const volume of volumes) await source.put(`${FULL}_${volume}_1`, hanaFile(id, pages));
    await source.put(`hdb/log_backup_0_0_0_0.${nowMs + 1000}`, hanaFile(id, 1));
    return id;
  };
  const copy = async (overrides: StartOverrides = {}) => {
    nowMs += HOUR_MS;
    const { tasks } = await new LocalSessions([source, target]).tryToCopy(JOB, nowMs, overrides);
    return tasks[0]!;
  };
  const news = async () => {
    const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs };
    const context = new InProcessMover(source, target).context();
    return (await lookForNews(context, { job: JOB, ...rest })).workloads.map(({ id }) => id);
  };
  const fulls = async () =>
    (await readTreeRecord(target, TREE))!.points
      .filter(({ kind }) => kind === 'full')
      .map(({ createdAt }) => String(Date.parse(createdAt)));
  const copiedBytes = async (volume: number) => {
    const path = treeFile(TREE, `COMPLETE_DATA_BACKUP_databackup_${volume}_1`);
    return (await readWholeFile(target, path, 1_000_000))?.length;
  };
  return { source, full, copy, news, fulls, copiedBytes };
}

it('a short full of SAP HANA does not take the place of the whole one that the copy has under its names, until an operator agrees', async () => {
  const { full, copy, news, fulls, copiedBytes } = await hanaSite();
  const whole = await full(40);
  expect((await copy()).result).toBe('success');
  const dead = await full(3);
  expect(await news()).toEqual([]);
  const task = await copy();
  expect(task.result).toBe('warning');
  expect(JSON.stringify(task)).toContain(
    'it has less than half the bytes of the full backup of 2026-11-25T01:00:00.000Z in the copy',
  );
  expect(await fulls()).toEqual([whole]);
  expect(await copiedBytes(1)).toBe(40 * 4096);

  await copy({ acceptChanges: true });
  expect(await fulls()).toEqual([dead]);
  expect(await copiedBytes(1)).toBe(3 * 4096);
});

it('nor does one without a volume that the whole one has', async () => {
  const { source, full, copy, fulls } = await hanaSite();
  const whole = await full(40);
  await copy();
  await source.remove(`${FULL}_2_1`);
  await full(80, [1]);
  const task = await copy();
  expect(task.result).toBe('warning');
  expect(JSON.stringify(task)).toContain('volume 2, which is in the full backup of');
  expect(await fulls()).toEqual([whole]);
});

it('but the next whole one does, and a small one on which a delta was built', async () => {
  const { source, full, copy, fulls } = await hanaSite();
  await full(40);
  await copy();
  await full(3);
  await copy();
  const next = await full(41);
  await copy();
  expect(await fulls()).toEqual([next]);

  const small = await full(3);
  const deltaId = Number(small) + 1;
  for (const volume of [0, 1, 2])
    await source.put(
      `hdb/D_databackup_incremental_${small}_${deltaId}_${volume}_1`,
      hanaFile(String(deltaId)),
    );
  await source.put(`hdb/log_backup_0_0_0_0.${deltaId + 5000}`, hanaFile(small, 1));
  await copy();
  expect(await fulls()).toEqual([small]);
});

const streamOf = (kilobytes: number) =>
  gzipSync(Buffer.concat([Buffer.from('6de29981', 'hex'), randomBytes(kilobytes * 1024)]));

it.each([
  ['mongo/shop.archive.gz', 'mongodump-shop-mongo'],
  ['mongo/shop.gz', 'mongodump-shop-mongo'],
  ['my/full.xbstream.gz', 'xtrabackup-my'],
])(
  'nor does a packed dump that is much shorter than the whole one under its name: %s',
  async (path, id) => {
    const { at } = await treeOf({ [path]: 'x' });
    const source = await openDirectoryRepository({
      id: 'primary',
      rootPath: at('.'),
      readOnly: true,
    });
    const target = new SimulatedRepository('offsite');
    let nowMs = START_MS;
    const copyOf = async (kilobytes: number, overrides: StartOverrides = {}) => {
      nowMs += HOUR_MS;
      await writeFile(at(path), streamOf(kilobytes));
      await utimes(at(path), nowMs / 1000, nowMs / 1000);
      nowMs += HOUR_MS;
      const sessions = new LocalSessions([source, target]);
      const { tasks } = await sessions.tryToCopy(JOB, nowMs, overrides);
      const name = path.slice(path.indexOf('/') + 1);
      const copied = await readWholeFile(
        target,
        treeFile(chainFolder(JOB.id, id), name),
        1_000_000,
      );
      return { ...tasks[0]!, kilobytes: Math.floor((copied?.length ?? 0) / 1024) };
    };
    expect(await copyOf(40)).toMatchObject({ result: 'success', kilobytes: 40 });
    expect(await copyOf(30)).toMatchObject({ kilobytes: 30 });
    const held = await copyOf(3);
    expect(held).toMatchObject({ result: 'warning', kilobytes: 30 });
    expect(held.reason).toContain('it has less than half the bytes of the full backup of');
    expect(held.reason).toContain('when an operator agrees');
    expect(await copyOf(20)).toMatchObject({ kilobytes: 20 });
    await copyOf(2);
    expect(await copyOf(2, { acceptChanges: true })).toMatchObject({ kilobytes: 2 });
  },
);
