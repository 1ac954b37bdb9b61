import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FIRST_FULL, INCREMENT, startOnFull } from './copy-suites.js';
import { makeSparseChain } from './source-chains.js';
import { OwnCase, type BenchSite, type Suite } from './suite.js';

const DISK = { diskGiB: 64 * 1024, dataMiB: 1, changedMiB: 1 };
const MAX_SECONDS = 2;

/** Every operation on a disk of 64 TiB that holds 1 MiB: what goes by what a disk holds takes no time. Into memory, because the file
 *  systems of most disks hold no raw file of that size. */
export async function thinSuite(site: BenchSite): Promise<Suite> {
  const source = await makeSparseChain(site.folder, DISK);
  const folder = site.memoryFolder!;
  const name = (operation: string) => `Longhaul ${operation}, 1 MiB on 64 TiB`;
  const common = { source, folder };
  const [full, second] = source.files;
  const first = await OwnCase.start(site, {
    ...common,
    name: name('full'),
    command: FIRST_FULL,
    before: emptied,
    expected: full,
  });
  const increment = await startOnFull(site, name('increment'), source, INCREMENT, folder);
  const byScan = { ...INCREMENT, changedBy: 'digest' } as const;
  const scan = await startOnFull(site, name('increment by scan'), source, byScan, folder);
  const merge = await OwnCase.start(site, {
    ...common,
    name: name('merge'),
    command: { type: 'merge' },
    before: fullAndIncrement,
    expected: second,
  });
  const synthetic = await OwnCase.start(site, {
    ...common,
    name: name('synthetic full'),
    command: { type: 'synthesize' },
    before: fullAndIncrement,
    expected: second,
  });
  const verify = await OwnCase.start(site, {
    ...common,
    name: name('verify'),
    command: { type: 'verify' },
    before: ensureFull,
    expected: full,
  });
  const restored = join(folder, 'restored');
  const restore = await OwnCase.start(site, {
    ...common,
    name: name('raw restore'),
    command: { type: 'restore', format: 'raw', folder: restored },
    before: async (own) => {
      await ensureFull(own);
      await rm(restored, { recursive: true, force: true });
      await mkdir(restored);
    },
    expected: full,
    output: async () => join(restored, (await readdir(restored))[0]!),
  });
  const own = [first, increment, scan, merge, synthetic, verify, restore];
  return { own, peers: [], goals: [], maxSeconds: MAX_SECONDS, touchMiB: 64, isInMemory: true };
}

function emptied({ mover }: OwnCase): Promise<void> {
  return mover.do({ type: 'keepOldest', count: 0 });
}

async function fullAndIncrement(own: OwnCase): Promise<void> {
  await emptied(own);
  await own.mover.measure(FIRST_FULL);
  await own.mover.measure(INCREMENT);
}

async function ensureFull({ mover }: OwnCase): Promise<void> {
  if ((await mover.images()).length === 0) await mover.measure(FIRST_FULL);
}
