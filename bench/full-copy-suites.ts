import { programVersion, makeDurable, runProgram } from './commands.js';
import { dropPageCache } from './cold-cache.js';
import { CONVERT, FIRST_FULL } from './copy-suites.js';
import type { MeasuredCommand } from './mover-process.js';
import { resticCase } from './restic-peer.js';
import type { BenchCase } from './rounds.js';
import { fileCase, OwnCase, type BenchSite, type RatioGoal, type Suite } from './suite.js';

const CONVERT_DIRECT = [...CONVERT, '-t', 'none', '-T', 'none'];

/** The first full of a workload, every block digested, read back and compared; its source in the page cache. */
export async function fullCopySuite(site: BenchSite): Promise<Suite> {
  const own = await firstFull(site, 'Longhaul full');
  const source = site.large.full;
  const peers = [
    ...convertPeers(
      site,
      '',
      site.withAllPeers ? [CONVERT, CONVERT_DIRECT] : [CONVERT],
      FULL_LIMIT,
    ),
    ...(await filePeers(site, '', FILE_LIMITS)),
  ];
  if (site.withAllPeers) {
    const compared = fileCase(site, 'qemu-img convert + compare', async (out) => {
      await runProgram('qemu-img', ...CONVERT, source, out);
      await makeDurable(out);
      await runProgram('qemu-img', 'compare', '-q', source, out);
    });
    peers.push({ case: compared, limit: 1 });
    if ((await programVersion('restic', 'version')) !== null)
      peers.push({ case: await resticCase(site, source), limit: null });
  }
  const suite = suiteOf(site, own, peers);
  if (!site.withAllPeers) return suite;
  const direct = { ...FIRST_FULL, verifyAfterCopy: 'direct' } as const;
  const stored = await firstFull(site, 'Longhaul full, read back from the disk', direct);
  const price = { ours: stored.name, peer: own.name, limit: null };
  return { ...suite, own: [own, stored], goals: [...suite.goals, price] };
}

const FULL_LIMIT = 0.85;
const COLD_LIMIT = 1.05;
const FILE_LIMITS = { rsync: 0.6, rclone: 0.35 };

/** The same with nothing in the page cache. Only qemu-img sets a limit: all tools wait for the same disk. */
export async function coldFullCopySuite(site: BenchSite): Promise<Suite> {
  const own = await firstFull(site, 'Longhaul full, cold');
  const peers = [
    ...convertPeers(site, ', cold', [CONVERT, CONVERT_DIRECT], COLD_LIMIT),
    ...(site.withAllPeers ? await filePeers(site, ', cold', { rsync: null, rclone: null }) : []),
  ];
  const beforeCase = () => dropPageCache(['qemu-img', 'cp', 'rsync', 'rclone']);
  return { ...suiteOf(site, own, peers), beforeCase };
}

/** The first full into memory, where no disk hides what the tools do themselves. */
export async function memoryFullCopySuite(site: BenchSite): Promise<Suite> {
  const { full, clustered } = site.sources;
  const folder = site.memoryFolder!;
  const own: OwnCase[] = [];
  for (const [digest, name] of [
    ['sha256', 'Longhaul full into memory, SHA-256'],
    ['blake3', 'Longhaul full into memory, BLAKE3'],
  ] as const)
    own.push(
      await OwnCase.start(site, {
        name,
        source: clustered,
        command: { ...FIRST_FULL, digest },
        before: ({ mover }) => mover.do({ type: 'keepOldest', count: 0 }),
        expected: full,
        folder,
      }),
    );
  const convert = fileCase({ folder }, 'qemu-img convert into memory', (out) =>
    runProgram('qemu-img', ...CONVERT, full, out),
  );
  const copy = fileCase({ folder }, 'cp into memory', (out) =>
    runProgram('cp', '--sparse=always', full, out),
  );
  const goals = MEMORY_LIMITS.map((limit, i): RatioGoal => {
    return { ours: own[i]!.name, peer: convert.name, limit };
  });
  return { own, peers: [convert, copy], goals, isInMemory: true };
}

/** With SHA-256; with BLAKE3. */
const MEMORY_LIMITS = [1.7, 1.3] as const;

function firstFull(
  site: BenchSite,
  name: string,
  command: MeasuredCommand = FIRST_FULL,
): Promise<OwnCase> {
  return OwnCase.start(site, {
    name,
    source: site.large,
    command,
    before: ({ mover }) => mover.do({ type: 'keepOldest', count: 0 }),
    expected: site.large.full,
  });
}

interface Peer {
  readonly case: BenchCase;
  readonly limit: number | null;
  readonly orDisk?: boolean;
  readonly fastestOf?: readonly string[];
}

/** What counts is the fastest set of flags, and which one that is depends on the machine. */
function convertPeers(
  site: BenchSite,
  suffix: string,
  flagSets: readonly (readonly string[])[],
  limit: number,
): Peer[] {
  const cases = flagSets.map((flags) => {
    const more = flags.slice(CONVERT.length).map((flag) => ` ${flag}`);
    return fileCase(site, `qemu-img convert${more.join('')}${suffix}`, (out) =>
      runProgram('qemu-img', ...flags, site.large.full, out),
    );
  });
  const fastestOf = cases.map(({ name }) => name);
  return cases.map((each) => ({ case: each, limit, orDisk: true, fastestOf }));
}

async function filePeers(
  site: BenchSite,
  suffix: string,
  limits: { readonly rsync: number | null; readonly rclone: number | null },
): Promise<Peer[]> {
  const copy = (name: string, program: string, option: string) =>
    fileCase(site, `${name}${suffix}`, (out) => runProgram(program, option, site.large.full, out));
  const peers: Peer[] = [
    { case: copy('rsync', 'rsync', '--whole-file'), limit: limits.rsync, orDisk: true },
  ];
  if (site.withAllPeers)
    peers.push({ case: copy('cp --sparse=always', 'cp', '--sparse=always'), limit: null });
  if ((await programVersion('rclone')) !== null)
    peers.push({ case: copy('rclone', 'rclone', 'copyto'), limit: limits.rclone, orDisk: true });
  return peers;
}

function suiteOf({ large }: BenchSite, own: OwnCase, peers: readonly Peer[]): Suite {
  const goals = peers.map(({ case: { name }, ...goal }): RatioGoal => {
    return { ours: own.name, peer: name, ...goal };
  });
  const outputMiB = large.dataMiB;
  const touchMiB = 2 * outputMiB;
  return { own: [own], peers: peers.map((peer) => peer.case), goals, outputMiB, touchMiB };
}
