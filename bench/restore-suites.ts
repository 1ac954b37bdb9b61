import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './commands.js';
import { CONVERT, FIRST_FULL } from './copy-suites.js';
import { makeSparseChain, type SourceChain } from './source-chains.js';
import { fileCase, OwnCase, type BenchSite, type RatioGoal, type Suite } from './suite.js';

/** A full of the target becomes a disk in a new folder, every block compared with its digest. */
export function restoreSuite(site: BenchSite): Promise<Suite> {
  const { clustered, dataBytes } = site.sources;
  return restores(site, '', clustered, dataBytes / 1024 ** 2);
}

/** The same of a disk that holds hardly anything: 256 MiB in single blocks on 2 TiB. */
export async function thinRestoreSuite(site: BenchSite): Promise<Suite> {
  const dataMiB = 256;
  const source = await makeSparseChain(site.folder, { diskGiB: 2048, changedMiB: 64, dataMiB });
  return restores(site, ', thin', source, dataMiB);
}

/** Goals, by what the peer writes. */
const FORMS = [
  { format: 'raw', written: 'raw', limit: 1 },
  { format: 'same', written: 'qcow2', limit: null },
] as const;

async function restores(
  site: BenchSite,
  suffix: string,
  source: SourceChain,
  outputMiB: number,
): Promise<Suite> {
  const own: OwnCase[] = [];
  const peers = [];
  const goals: RatioGoal[] = [];
  for (const { format, written, limit } of FORMS) {
    const folder = join(site.folder, `restored as ${written}`);
    const ours = await OwnCase.start(site, {
      name: `Longhaul restore, ${written}${suffix}`,
      source,
      command: { type: 'restore', format, folder },
      before: async () => {
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
      },
      expected: source.files[0],
      output: async () => join(folder, (await readdir(folder))[0]!),
    });
    await ours.mover.measure(FIRST_FULL);
    const [image] = await ours.mover.images();
    const convert = CONVERT.with(CONVERT.indexOf('-O') + 1, written);
    const peer = fileCase(site, `qemu-img convert -O ${written}${suffix}`, (out) =>
      runProgram('qemu-img', ...convert, image!, out),
    );
    own.push(ours);
    peers.push(peer);
    goals.push({ ours: ours.name, peer: peer.name, limit });
  }
  return { own, peers, goals, outputMiB };
}
