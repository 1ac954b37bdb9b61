import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDurable, programVersion, runProgram } from './commands.js';
import { CONVERT, FIRST_FULL, INCREMENT } from './copy-suites.js';
import { timed, type BenchCase } from './rounds.js';
import { fileCase, OwnCase, type BenchSite, type Suite } from './suite.js';

/** The oldest increment goes into its full: blocks verified before and read back after. */
export async function mergeSuite(site: BenchSite): Promise<Suite> {
  const source = site.sources.clustered;
  const own = await OwnCase.start(site, {
    name: 'Longhaul merge',
    source,
    command: { type: 'merge' },
    before: async ({ mover }) => {
      await mover.do({ type: 'keepOldest', count: 0 });
      await mover.measure(FIRST_FULL);
      await mover.measure(INCREMENT);
    },
    expected: source.files[1],
  });
  const base = join(site.folder, 'base.qcow2');
  const increment = join(site.folder, 'increment.qcow2');
  const peer: BenchCase = {
    name: 'qemu-img commit',
    prepare: async () => {
      await cp(source.files[0], base);
      await cp(source.files[1], increment);
      const rebase = ['rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', base, increment];
      await runProgram('qemu-img', ...rebase);
      await makeDurable(base);
      await makeDurable(increment);
    },
    run: () =>
      timed(async () => {
        await runProgram('qemu-img', 'commit', '-q', '-d', '-f', 'qcow2', increment);
        await makeDurable(base);
        await rm(increment);
      }),
  };
  const goals = [{ ours: own.name, peer: peer.name, limit: 1.3 }];
  const outputMiB = site.sources.changedBytes / 1024 ** 2;
  return { own: [own], peers: [peer], goals, outputMiB };
}

/** A full is made of an increment and what it builds on, from the target's own files. */
export async function syntheticFullSuite(site: BenchSite): Promise<Suite> {
  const source = site.sources.scattered;
  const own = await OwnCase.start(site, {
    name: 'Longhaul synthetic full',
    source,
    command: { type: 'synthesize' },
    before: async ({ mover }) => {
      const images = await mover.images();
      if (images.length === 0) await mover.measure(FIRST_FULL);
      await mover.do({ type: 'keepOldest', count: 1 });
      await mover.measure(INCREMENT);
    },
    expected: source.files[1],
  });
  const replaced = join(site.folder, 'replaced.qcow2');
  const convert = fileCase(site, 'qemu-img convert of the chain', async (out) => {
    await runProgram('qemu-img', ...CONVERT, source.files[1], out);
    // Ours takes the increment away whose place the full takes.
    await rm(replaced);
  });
  const peer: BenchCase = {
    ...convert,
    prepare: async () => {
      await convert.prepare?.();
      await cp(source.files[1], replaced);
      await makeDurable(replaced);
    },
  };
  return { own: [own], peers: [peer], goals: [{ ours: own.name, peer: peer.name, limit: 1 }] };
}

/** Every block of a full is read and compared with its digest. */
export async function verifySuite(site: BenchSite): Promise<Suite> {
  const source = site.sources.clustered;
  const own = await OwnCase.start(site, {
    name: 'Longhaul verify',
    source,
    command: { type: 'verify' },
    before: () => Promise.resolve(),
    expected: source.files[0],
  });
  await own.mover.measure(FIRST_FULL);
  const [image] = await own.mover.images();
  const hashed = (name: string, ...options: string[]): BenchCase => ({
    name,
    run: () => timed(() => runProgram(name, ...options, image!)),
  });
  const peers = [hashed('sha256sum')];
  // Unlike some builds of sha256sum, it uses the processor's SHA instructions.
  if ((await programVersion('openssl', 'version')) !== null)
    peers.push(hashed('openssl', 'dgst', '-sha256'));
  return {
    own: [own],
    peers,
    goals: peers.map(({ name }) => ({ ours: own.name, peer: name, limit: 1 / MIN_VERIFY_SPEED })),
  };
}

/** Against reading and hashing with the plain tool. */
const MIN_VERIFY_SPEED = 0.9;
