import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDurable, runProgram } from './commands.js';
import { timed, type BenchCase } from './rounds.js';
import {
  fileCase,
  OwnCase,
  type BenchSite,
  type OwnCaseOptions,
  type RatioGoal,
  type Suite,
} from './suite.js';

export const FIRST_FULL = {
  type: 'copy',
  pointIndex: 0,
  kind: 'full',
  changedBy: 'all',
} as const;
export const INCREMENT = {
  type: 'copy',
  pointIndex: 1,
  kind: 'increment',
  changedBy: 'lineage',
} as const;
export const CONVERT = ['convert', '-f', 'qcow2', '-O', 'qcow2', '-m', '16', '-W'];

/** Increments whose changed blocks the source's own increment tells. */
export async function incrementSuite(site: BenchSite): Promise<Suite> {
  const peers: BenchCase[] = [];
  const own: OwnCase[] = [];
  const goals: RatioGoal[] = [];
  for (const kind of ['clustered', 'scattered'] as const) {
    const source = site.sources[kind];
    const ours = await startOnFull(site, `Longhaul increment, ${kind}`, source, INCREMENT);
    const [base] = await ours.mover.images();
    const peer = fileCase(site, `qemu-img convert -B, ${kind}`, (out) =>
      runProgram('qemu-img', ...CONVERT, '-B', base!, '-F', 'qcow2', source.files[1], out),
    );
    own.push(ours);
    peers.push(peer);
    goals.push({ ours: ours.name, peer: peer.name, limit: 0.8 });
  }
  goals.push({ ours: own[1]!.name, peer: own[0]!.name, limit: 1.3 });
  return { own, peers, goals, outputMiB: site.sources.changedBytes / MIB };
}

/** The same into memory, where no disk hides what the tools do themselves. */
export async function memoryIncrementSuite(site: BenchSite): Promise<Suite> {
  const source = site.sources.scattered;
  const folder = site.memoryFolder!;
  const own: OwnCase[] = [];
  for (const [digest, name] of [
    ['sha256', 'Longhaul increment into memory, SHA-256'],
    ['blake3', 'Longhaul increment into memory, BLAKE3'],
  ] as const)
    own.push(await startOnFull(site, name, source, { ...INCREMENT, digest }, folder));
  const [base] = await own[0]!.mover.images();
  const peer = fileCase({ folder }, 'qemu-img convert -B into memory', (out) =>
    runProgram('qemu-img', ...CONVERT, '-B', base!, '-F', 'qcow2', source.files[1], out),
  );
  const goals = own.map(({ name }): RatioGoal => ({ ours: name, peer: peer.name, limit: null }));
  return { own, peers: [peer], goals, isInMemory: true };
}

const MIB = 1024 * 1024;

/** A source that does not tell what changed: all its blocks are compared with the target's digests. */
export async function scanSuite(site: BenchSite): Promise<Suite> {
  const source = site.sources.unrelated;
  const command = { ...INCREMENT, changedBy: 'digest' } as const;
  const own = await startOnFull(site, 'Longhaul increment by scan', source, command);
  const copy = join(site.folder, 'rsync-delta.qcow2');
  const options = ['--no-whole-file', '--inplace', '--ignore-times'];
  const peer: BenchCase = {
    name: 'rsync delta',
    prepare: async () => {
      await cp(source.files[0], copy);
      await makeDurable(copy);
    },
    run: () =>
      timed(async () => {
        await runProgram('rsync', ...options, source.files[1], copy);
        await makeDurable(copy);
      }),
  };
  return {
    own: [own],
    peers: [peer],
    goals: [{ ours: own.name, peer: peer.name, limit: 0.25 }],
  };
}

/** A case that copies the second point onto a copy of the first.
 *  @param folder where the target lies, when not in the suite's folder */
export async function startOnFull(
  site: BenchSite,
  name: string,
  source: BenchSite['sources']['clustered'],
  command: OwnCaseOptions['command'],
  folder = site.folder,
): Promise<OwnCase> {
  const own = await OwnCase.start(site, {
    name,
    source,
    command,
    before: ({ mover }) => mover.do({ type: 'keepOldest', count: 1 }),
    expected: source.files[1],
    folder,
  });
  await own.mover.measure(FIRST_FULL);
  return own;
}
