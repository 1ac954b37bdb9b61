import { copyFile, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { availablePoints, type ChainRecord } from '../../../src/chain/chain-record.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { libvhdiBytes } from '../../support/image/libvhdi.js';
import { libvmdkBytes } from '../../support/image/libvmdk.js';
import { qemuBytes } from '../../support/image/qemu.js';
import { virtnbdrestore } from '../../support/image/virtnbdrestore.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { MACHINE_VARIANTS } from '../../support/layout/machine-variants.js';
import { LONE_CHAIN } from '../../support/layout/lone-chain.js';
import { TYPE_VARIANTS } from '../../support/layout/type-variants.js';
import { TYPES_UNDER_TEST, type ExpectedPoint } from '../../support/layout/types-under-test.js';
import { manifestFault, toolFault } from '../../support/image/named-tools.js';
import { describeTemporal } from '../../support/temporal/server.js';

const TYPES = [...TYPES_UNDER_TEST, ...TYPE_VARIANTS, ...MACHINE_VARIANTS, LONE_CHAIN];

describeTemporal('one job over backups of every type', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let config: string;
  const workloadIds = new Set<string>();
  const expected = new Map<string, ExpectedPoint[]>();
  beforeAll(async () => {
    site = await TestSite.create(null);
    await writeDay(1);
    workers = await TestWorkers.start(site, {}, []);
    config = await writeConfig(site, workers.temporal);
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  async function writeDay(day: number): Promise<void> {
    for (const type of TYPES) {
      const point = await type.write(site.path('primary'), day);
      const points = expected.get(type.name) ?? [];
      if (point !== null) expected.set(type.name, [...points, point]);
    }
  }

  async function pointCount(): Promise<number> {
    const target = await site.openTarget();
    const chains = [...workloadIds].map((id) =>
      readChainRecord(target, chainFolder('nightly', id)),
    );
    return (await Promise.all(chains)).reduce(
      (sum, record) => sum + (record?.points.length ?? 0),
      0,
    );
  }

  /** Each disk as an independent tool reads it from the files of the target; by the name of the workload. */
  async function readBack(): Promise<Map<string, ExpectedPoint[]>> {
    const target = await site.openTarget();
    const found = new Map<string, ExpectedPoint[]>();
    for (const { id, name } of await listSourceWorkloads(await site.openSource())) {
      const chain = chainFolder('nightly', id);
      const record = await readChainRecord(target, chain);
      const points: ExpectedPoint[] = [];
      for (const point of record === null ? [] : availablePoints(record)) {
        const disks: Record<string, Buffer> = {};
        for (const disk of point.disks)
          disks[disk.disk] = await bytesOf(record!, point, disk, site.path('offsite', chain));
        points.push(disks);
      }
      found.set(name, points);
    }
    return found;
  }

  async function bytesOf(
    record: ChainRecord,
    point: TargetRestorePoint,
    disk: TargetDisk,
    folder: string,
  ): Promise<Buffer> {
    const path = `${folder}/${disk.path}`;
    if (disk.format === 'qcow2') return qemuBytes(path, 'qcow2');
    if (!['vmdk', 'vhd', 'vhdx', 'virtnbd'].includes(disk.format)) return readFile(path);
    const paths: string[] = [];
    let at: TargetRestorePoint | undefined = point;
    for (;;) {
      const layer = at?.disks.find((each) => each.disk === disk.disk);
      if (layer === undefined) throw new Error(`${disk.path} has no full`);
      paths.push(`${folder}/${layer.path}`);
      if (layer.kind === 'full') break;
      at = record.points.find(({ id }) => id === at?.parentId);
    }
    if (disk.format === 'vmdk') return bothReadVmdk(paths);
    return disk.format === 'virtnbd' ? byTheirTool(paths) : libvhdiBytes(...paths);
  }

  /** @param paths of a disk, the newest first
   *  @throws when QEMU and libvmdk read other bytes */
  async function bothReadVmdk(paths: readonly string[]): Promise<Buffer> {
    const bytes = await qemuBytes(paths[0]!, 'vmdk');
    if (!bytes.equals(await libvmdkBytes(...[...paths].reverse())))
      throw new Error(`QEMU and libvmdk read other bytes from ${paths[0]}`);
    return bytes;
  }

  /** @param paths of the streams of a disk, the newest first */
  async function byTheirTool(paths: readonly string[]): Promise<Buffer> {
    const input = await mkdtemp(site.path('virtnbd-'));
    const oldestFirst = [...paths].reverse();
    const names = oldestFirst.map((_, index) =>
      index === 0 ? 'vda.full.data' : `vda.inc.virtnbdbackup.${index}.data`,
    );
    for (const [index, name] of names.entries())
      await copyFile(oldestFirst[index]!, join(input, name));
    return (await virtnbdrestore(input, `${input}-out`, names)).get('vda')!;
  }

  /** What the tools of the formats have against the files of the target. */
  async function toolFaults(): Promise<string[]> {
    const target = await site.openTarget();
    const found: string[] = [];
    for (const { id } of await listSourceWorkloads(await site.openSource())) {
      const chain = chainFolder('nightly', id);
      const record = await readChainRecord(target, chain);
      const at = (path: string) => site.path('offsite', chain, path);
      for (const { disks, companions } of record === null ? [] : availablePoints(record)) {
        const faults = disks.map(({ format, path }) => toolFault(format, at(path)));
        const manifests = companions.filter(({ path }) => path.endsWith('.mf'));
        const pathOf = (name: string) => at(disks.find(({ disk }) => disk === name)?.path ?? name);
        for (const { path } of manifests)
          faults.push(manifestFault(await readFile(at(path), 'utf8'), pathOf));
        found.push(...(await Promise.all(faults)).flatMap((fault) => fault ?? []));
      }
    }
    return found;
  }

  /** Buffers compared by their content, named by their place. */
  function differences(found: ReadonlyMap<string, readonly ExpectedPoint[]>): string[] {
    const words: string[] = [];
    for (const [name, points] of expected) {
      const copies = found.get(name) ?? [];
      if (copies.length !== points.length)
        words.push(`${name}: ${copies.length} points instead of ${points.length}`);
      for (const [index, point] of points.entries())
        for (const [disk, bytes] of Object.entries(point)) {
          const copy = copies[index]?.[disk];
          if (copy?.subarray(0, bytes.length).equals(bytes) !== true)
            words.push(
              `${name}, point ${index + 1}, ${disk}: ${Object.keys(copies[index] ?? {}).join()}`,
            );
        }
    }
    return words;
  }

  it('finds each, copies it in its own format, and again what changed when its worker was killed', async () => {
    const found = await listSourceWorkloads(await site.openSource());
    for (const { id } of found) workloadIds.add(id);
    expect(found.map(({ type, name }) => [type, name]).sort()).toEqual(
      TYPES.map(({ type, name }) => [type, name]).sort(),
    );
    let worker = await LonghaulProcess.worker(config);
    const first = await workers.runSession(testJob());
    expect([first.result, first.reason]).toEqual(['success', null]);
    expect(differences(await readBack())).toEqual([]);

    await writeDay(2);
    const session = await workers.startSession(testJob());
    const before = await pointCount();
    await expect.poll(pointCount, { timeout: 120_000, interval: 20 }).toBeGreaterThan(before);
    await worker.kill();
    expect(await pointCount()).toBeLessThan([...expected.values()].flat().length);
    worker = await LonghaulProcess.worker(config);
    const second = await session.result();
    await worker.kill();
    expect([second.result, second.reason]).toEqual(['success', null]);
    expect(differences(await readBack())).toEqual([]);
    expect(await toolFaults()).toEqual([]);
  }, 900_000);
});
