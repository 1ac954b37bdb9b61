import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './commands.js';
import { FIRST_FULL, INCREMENT } from './copy-suites.js';
import { FORMAT_SOURCES } from './format-sources.js';
import type { MeasuredCommand } from './mover-process.js';
import type { SourceChain } from './source-chains.js';
import { fileCase, OwnCase, type BenchSite, type RatioGoal, type Suite } from './suite.js';

/** What a copy may take of the time that one of the same data in qcow2 takes. */
const LIMIT = 1.3;
const SCAN = { ...INCREMENT, changedBy: 'digest' } as const;

/** Formats beside qcow2, with the same data: how a tool of the format tells what has changed, and how qemu-img calls it (null: it does not write
 *  it). A raw disk says nothing of its holes, so that all of it is read: no limit. */
const FORMATS = [
  { format: 'vmdk', increment: SCAN, convertedTo: 'vmdk', limit: LIMIT },
  { format: 'vhdx', increment: SCAN, convertedTo: 'vhdx', limit: LIMIT },
  { format: 'vhd', increment: SCAN, convertedTo: 'vpc', limit: LIMIT },
  { format: 'raw', increment: SCAN, convertedTo: 'raw', limit: null },
  { format: 'virtnbd', increment: INCREMENT, convertedTo: null, limit: LIMIT },
] as const;

/** Files that are kept as they are, each point whole: a full alone. */
const KEPT_AS_THEY_ARE = ['vmdk-stream', 'ova', 'vma'] as const;

/** A full and an increment of each format that is composed, a full of each that is kept as it is, beside those of the same disk in qcow2, and a full of `qemu-img convert`. */
export async function formatSuite(site: BenchSite): Promise<Suite> {
  const { scattered, unrelated } = site.sources;
  const full = await firstFull(site, 'qcow2', scattered.folder, scattered.files);
  const bases = new Map<MeasuredCommand, OwnCase>([
    [INCREMENT, await secondPoint(site, 'qcow2', scattered.folder, scattered.files, INCREMENT)],
    [SCAN, await secondPoint(site, 'qcow2 by scan', unrelated.folder, unrelated.files, SCAN)],
  ]);
  const own = [full, ...bases.values()];
  const peers = [];
  const goals: RatioGoal[] = [];
  for (const { format, increment, convertedTo, limit } of FORMATS) {
    const folder = join(site.folder, `source in ${format}`);
    await FORMAT_SOURCES[format](folder, scattered.files);
    const ours = await firstFull(site, format, folder, scattered.files);
    const second = await secondPoint(site, format, folder, scattered.files, increment);
    own.push(ours, second);
    goals.push({ ours: ours.name, peer: full.name, limit });
    goals.push({ ours: second.name, peer: bases.get(increment)!.name, limit });
    if (convertedTo === null) continue;
    const peer = fileCase(site, `qemu-img convert -O ${convertedTo}`, (out) =>
      runProgram('qemu-img', 'convert', '-O', convertedTo, scattered.files[0], out),
    );
    peers.push(peer);
    goals.push({ ours: ours.name, peer: peer.name, limit: null });
  }
  for (const format of KEPT_AS_THEY_ARE) {
    const folder = join(site.folder, `source in ${format}`);
    await FORMAT_SOURCES[format](folder, scattered.files);
    const ours = await firstFull(site, format, folder, scattered.files);
    own.push(ours);
    goals.push({ ours: ours.name, peer: full.name, limit: LIMIT });
  }
  return { own, peers, goals };
}

function firstFull(
  site: BenchSite,
  what: string,
  folder: string,
  files: SourceChain['files'],
): Promise<OwnCase> {
  return OwnCase.start(site, {
    name: `Longhaul full in ${what}`,
    ...{ source: { folder }, command: FIRST_FULL, expected: files[0] },
    before: ({ mover }) => mover.do({ type: 'keepOldest', count: 0 }),
    shown: restoredInto(site, `full in ${what}`),
  });
}

async function secondPoint(
  site: BenchSite,
  what: string,
  folder: string,
  files: SourceChain['files'],
  command: MeasuredCommand,
): Promise<OwnCase> {
  const own = await OwnCase.start(site, {
    name: `Longhaul increment in ${what}`,
    ...{ source: { folder }, command, expected: files[1] },
    before: ({ mover }) => mover.do({ type: 'keepOldest', count: 1 }),
    shown: restoredInto(site, `increment in ${what}`),
  });
  await own.mover.measure(FIRST_FULL);
  return own;
}

/** qemu-img reads no stream, and no differencing VHDX: what a point shows is told by its restore. */
function restoredInto(site: BenchSite, name: string) {
  const folder = join(site.folder, `restored ${name}`);
  return async ({ mover }: OwnCase): Promise<string> => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await mover.do({ type: 'restore', format: 'raw', folder });
    const disk = (await readdir(folder)).find((file) => file.endsWith('.raw'));
    return join(folder, disk!);
  };
}
