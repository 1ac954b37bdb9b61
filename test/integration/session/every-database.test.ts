import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { SourceWorkload } from '../../../src/domain/sources/source-workload.js';
import { classOf } from '../../../src/domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../../src/layout/tree-layouts.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import { streamFixture } from '../../support/image/stream-fixture.js';
import { AREA, hanaBackups, recoveryArea } from '../../support/layout/database-trees.js';
import { noRealTrees, unpackTree } from '../../support/layout/real-tree.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const REAL: readonly [string, string][] = [
  ['pbm', '../pbm.tar.zst'],
  ['pbm', 'pbm/pbm_disttxn_4x.tar.zst'],
  ['sql', 'mssql'],
  ['mongodump', 'mongodump'],
  ['pgbackrest', 'pgbackrest/repo1-zst.tar.zst'],
  ['pgwal', 'pgwal/wal-1MiB-segments.tar.zst'],
];

const JOB = testJob({
  mode: 'immediate',
  transactionLogs: true,
  retention: { type: 'days', value: 30_000 },
});

describeTemporal('one job over backups of every database', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let config: string;
  beforeAll(async () => {
    site = await TestSite.create(null);
    for (const [folder, path] of noRealTrees ? [] : REAL) {
      await site.makeFolder('primary', folder);
      await unpackTree(path, site.path('primary', folder));
    }
    await writeFiles('oracle', recoveryArea());
    await writeFiles('hana', hanaBackups());
    await writeFiles('streams', {
      'web-2026-11-24.zfs': streamFixture('one.zfs'),
      'web-2026-11-25.zfs': streamFixture('increment.zfs'),
    });
    workers = await TestWorkers.start(site, {}, []);
    config = await writeConfig(site, workers.temporal);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function writeFiles(folder: string, files: Readonly<Record<string, Buffer>>) {
    for (const [path, bytes] of Object.entries(files)) {
      const file = site.path('primary', folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  }

  const listed = async () => listSourceWorkloads(await site.openSource());

  /** Paths from the tree's root: what its whole points list, of a store all that its classes take. */
  async function filesOf({ tree }: SourceWorkload): Promise<string[]> {
    const { root, within, points, layout } = tree!;
    const { rules } = treeLayoutOf(layout)!;
    if (rules.shape === 'sets')
      return [
        ...new Set(
          points.flatMap(({ state, files }) => (state === 'complete' ? (files ?? []) : [])),
        ),
      ];
    const source = await site.openSource();
    const paths: string[] = [];
    const waiting = [root];
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop())
      for (const { path, type } of await source.list(folder)) {
        const own = root === '' ? path : path.slice(root.length + 1);
        const isWithin =
          within === undefined || within.some((one) => own === one || own.startsWith(`${one}/`));
        if (type === 'folder') waiting.push(path);
        if (type !== 'file' || !isWithin || rules.ignored?.test(own) === true) continue;
        if (classOf(rules, own) !== null) paths.push(own);
      }
    return paths;
  }

  /** Files of the source that its copy does not hold, byte for byte. */
  async function differences(): Promise<string[]> {
    const words: string[] = [];
    for (const workload of await listed()) {
      const copy = `${chainFolder(JOB.id, workload.id)}/files`;
      for (const path of await filesOf(workload)) {
        const from = site.path('primary', workload.tree!.root, path);
        const to = site.path('offsite', copy, path);
        if ((await digestOf(from)) !== (await digestOf(to))) words.push(`${workload.id}: ${path}`);
      }
    }
    return words;
  }

  async function digestOf(path: string): Promise<string> {
    const bytes = await readFile(path).catch(() => Buffer.from('absent'));
    return createHash('sha256').update(bytes).digest('hex');
  }

  async function recordedPoints(): Promise<Map<string, number>> {
    const target = await site.openTarget();
    const counts = new Map<string, number>();
    for (const { id } of await listed()) {
      const record = await readTreeRecord(target, chainFolder(JOB.id, id));
      counts.set(id, record?.points.length ?? 0);
    }
    return counts;
  }

  it('copies each as it lies, and again what came when its worker was killed', async () => {
    let worker = await LonghaulProcess.worker(config);
    const session = await workers.startSession(JOB);
    const copied = async () =>
      [...(await recordedPoints()).values()].filter((count) => count > 0).length;
    await expect.poll(copied, { timeout: 120_000, interval: 20 }).toBeGreaterThan(0);
    await worker.kill();
    worker = await LonghaulProcess.worker(config);
    const first = await session.result();
    expect(first.tasks.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(await differences()).toEqual([]);
    const counts = await recordedPoints();
    for (const { id, tree } of await listed())
      expect([id, counts.get(id)]).toEqual([
        id,
        tree!.points.filter(({ state }) => state === 'complete').length,
      ]);

    await writeFiles('oracle', {
      [AREA.log(9)]: Buffer.from('log 9'),
      [AREA.log(11)]: Buffer.from('log 11'),
    });
    const second = await workers.runSession(JOB);
    await worker.kill();
    expect(await differences()).toEqual([]);
    const oracle = second.tasks.find(({ workload }) => workload === 'ORCL');
    expect(oracle?.notes.join()).toContain('archived log 10 of thread 1 is missing');
  }, 900_000);
});
