import { describe, expect, it } from 'vitest';
import type { Qcow2Header } from '../../../../src/image/qcow2/header.js';
import { MetadataClusters } from '../../../../src/image/qcow2/metadata-clusters.js';
import { PointerCollector, type PointerTable } from '../../../../src/image/pointer-table.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { SeededRandom } from '../../../support/fuzz/seeded-random.js';

const CLUSTER = 65_536;

/** Header in cluster 0, L1 table in 3 and 4, table of reference counts in 7, snapshots in 9, L2 tables in 12 and 20, counts in 40. */
function clusters(snapshots = 1, l2 = [12, 0, 20]): MetadataClusters {
  const header = {
    clusterBits: 16,
    l1: { offset: 3 * CLUSTER, entries: 8193 },
    refcountTable: { offset: 7 * CLUSTER, entries: 8192 },
    snapshots: { offset: 9 * CLUSTER, count: snapshots },
  } as Qcow2Header;
  return new MetadataClusters(
    new MemoryBytes(Buffer.alloc(0), 'disk.qcow2'),
    header,
    tableOf(l2),
    tableOf([40]),
  );
}

function tableOf(clusters: readonly number[]): PointerTable {
  const found = new PointerCollector();
  for (const [index, cluster] of clusters.entries())
    if (cluster > 0) found.add(index, cluster * CLUSTER);
  return found.table(clusters.length);
}

const TABLES = [0, 3, 4, 7, 9, 12, 20, 40];

describe('clusters of a qcow2 file that hold tables', () => {
  it('are told from others, in whatever order they are asked for', () => {
    const random = new SeededRandom(9);
    const asked = Array.from({ length: 2_000 }, () => random.below(45));
    const tables = clusters();
    const upwards = Array.from({ length: 45 }, (_, cluster) => cluster);
    for (const order of [upwards, upwards.toReversed(), asked])
      for (const cluster of order)
        expect(tables.has(cluster), `cluster ${cluster}`).toBe(TABLES.includes(cluster));
  });

  it('are not those of snapshots that a file does not have', () => {
    expect(clusters(0).has(9)).toBe(false);
  });

  it.each([0, 4, 7, 9, 40])('are used once: an L2 table in cluster %d is refused', (cluster) => {
    expect(() => clusters(1, [12, cluster === 0 ? 12 : cluster])).toThrow(/two tables use/);
  });
});
