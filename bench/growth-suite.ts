import { INCREMENT, startOnFull } from './copy-suites.js';
import { makeSparseChain } from './source-chains.js';
import type { BenchSite, OwnCase, Suite } from './suite.js';

const DISKS_GIB = [16, 256, 2048] as const;
const CHANGED_MIB = [64, 256, 1024] as const;
const LINEAR = CHANGED_MIB[2] / CHANGED_MIB[0];

/** Increments whose changed blocks are known. A larger disk with the same changes should take the same time, more changes a time in
 *  proportion; the memory should be the same for all. */
export async function growthSuite(site: BenchSite): Promise<Suite> {
  const start = async (diskGiB: number, changedMiB: number): Promise<OwnCase> => {
    const source = await makeSparseChain(site.folder, { diskGiB, changedMiB });
    const name = `Longhaul increment, ${changedMiB} MiB changed on ${diskGiB} GiB`;
    return startOnFull(site, name, source, INCREMENT);
  };
  const smallest = await start(DISKS_GIB[0], CHANGED_MIB[0]);
  const own = [smallest];
  for (const diskGiB of DISKS_GIB.slice(1)) own.push(await start(diskGiB, CHANGED_MIB[0]));
  const largestDisk = own.at(-1)!;
  for (const changedMiB of CHANGED_MIB.slice(1)) own.push(await start(DISKS_GIB[0], changedMiB));
  return {
    own,
    peers: [],
    goals: [
      { ours: largestDisk.name, peer: smallest.name, limit: null },
      { ours: own.at(-1)!.name, peer: smallest.name, limit: LINEAR },
    ],
  };
}
