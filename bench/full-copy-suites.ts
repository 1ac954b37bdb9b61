import { programVersion, makeDurable, runProgram } from './commands.js';
import { dropPageCache } from './cold-cache.js';
import { CONVERT, FIRST_FULL } from './copy-suites.js';
import { resticCase } from './restic-peer.js';
import type { BenchCase } from './rounds.js';
import { fileCase, OwnCase, type BenchSite, type RatioGoal, type Suite } from './suite.js';

const CONVERT_DIRECT = [...CONVERT, '-t', 'none', '-T', 'none'];

/** The first full of a workload, every block digested, read back and compared; its source in the page cache. */
export async function fullCopySuite(site: BenchSite): Promise<Suite> {
  const own = await firstFull(site, 'Longhaul full');
  const source = site.sources.full;
  const peers = [
    ...convertPeers(site, '', site.withAllPeers ? [CONVERT, CONVERT_DIRECT] : [CONVERT]),
    {
      case: fileCase(site, 'qemu-img convert + compare', async (out) => {
        await runProgram('qemu-img', ...CONVERT, source, out);
        await makeDurable(out);
        await runProgram('qemu-img', 'compare', '-q', source, out);
      }),
      limit: 1,
    },
    ...(await filePeers(site, '', { rsync: 0.4, rclone: 0.35 })),
  ];
  if (site.withAllPeers && (await programVersion('restic', 'version')) !== null)
    peers.push({ case: await resticCase(site, source), limit: null });
  return suiteOf(own, peers);
}

/** The same with nothing in the page cache. Only qemu-img sets a limit: all tools wait for the same disk. */
export async function coldFullCopySuite(site: BenchSite): Promise<Suite> {
  const own = await firstFull(site, 'Longhaul full, cold');
  const peers = [
    ...convertPeers(site, ', cold', [CONVERT, CONVERT_DIRECT]),
    ...(await filePeers(site, ', cold', { rsync: null, rclone: null })),
  ];
  const beforeCase = () => dropPageCache(['qemu-img', 'cp', 'rsync', 'rclone']);
  return { ...suiteOf(own, peers), beforeCase };
}

function firstFull(site: BenchSite, name: string): Promise<OwnCase> {
  return OwnCase.start(site, {
    name,
    source: site.sources.clustered,
    command: FIRST_FULL,
    before: ({ mover }) => mover.do({ type: 'keepOldest', count: 0 }),
    expected: site.sources.full,
  });
}

interface Peer {
  readonly case: BenchCase;
  readonly limit: number | null;
  readonly fastestOf?: readonly string[];
}

/** What counts is the fastest set of flags, and which one that is depends on the machine. */
function convertPeers(
  site: BenchSite,
  suffix: string,
  flagSets: readonly (readonly string[])[],
): Peer[] {
  const cases = flagSets.map((flags) => {
    const more = flags.slice(CONVERT.length).map((flag) => ` ${flag}`);
    return fileCase(site, `qemu-img convert${more.join('')}${suffix}`, (out) =>
      runProgram('qemu-img', ...flags, site.sources.full, out),
    );
  });
  const fastestOf = cases.map(({ name }) => name);
  return cases.map((each) => ({ case: each, limit: 1, fastestOf }));
}

async function filePeers(
  site: BenchSite,
  suffix: string,
  limits: { readonly rsync: number | null; readonly rclone: number | null },
): Promise<Peer[]> {
  const copy = (name: string, program: string, option: string) =>
    fileCase(site, `${name}${suffix}`, (out) =>
      runProgram(program, option, site.sources.full, out),
    );
  const peers: Peer[] = [
    { case: copy('cp --sparse=always', 'cp', '--sparse=always'), limit: null },
    { case: copy('rsync', 'rsync', '--whole-file'), limit: limits.rsync },
  ];
  if ((await programVersion('rclone')) !== null)
    peers.push({ case: copy('rclone', 'rclone', 'copyto'), limit: limits.rclone });
  return peers;
}

function suiteOf(own: OwnCase, peers: readonly Peer[]): Suite {
  const goals = peers.map(({ case: { name }, ...goal }): RatioGoal => {
    return { ours: own.name, peer: name, ...goal };
  });
  return { own: [own], peers: peers.map((peer) => peer.case), goals };
}
