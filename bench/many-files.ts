import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './commands.js';
import { timed, type BenchCase } from './rounds.js';
import { OwnCase, type BenchSite, type Suite } from './suite.js';
import { noise } from './test-data.js';

const MANY_FILES = 100_000;
const MILLION_FILES = 1_000_000;
const SMALL_FILE_BYTES = 4096;
const FILES_OF_A_FOLDER = 100;

/** A dated tree of many small files beside `rsync -a`, the first time and when nothing has changed. */
export async function manyFilesSuite(site: BenchSite): Promise<Suite> {
  const source = await makeFiles(join(site.folder, 'source'), MANY_FILES);
  const first = await firstRun(site, source);
  const unchanged = await unchangedRun(site, source);
  return {
    ...{ own: [first.own, unchanged.own], peers: [first.peer, unchanged.peer] },
    goals: [
      { ours: first.own.name, peer: first.peer.name, limit: 3 },
      { ours: unchanged.own.name, peer: unchanged.peer.name, limit: 1 },
    ],
    touchMiB: touchedMiB(source),
  };
}

/** The same of ten times as many, when nothing has changed. */
export async function millionFilesSuite(site: BenchSite): Promise<Suite> {
  const source = await makeFiles(join(site.folder, 'source'), MILLION_FILES);
  const { own, peer } = await unchangedRun(site, source);
  const goals = [{ ours: own.name, peer: peer.name, limit: null }];
  return { own: [own], peers: [peer], goals, touchMiB: touchedMiB(source) };
}

interface FilesSource {
  readonly folder: string;
  readonly fileCount: number;
}

/** What of it one run compares. */
interface ComparedRun {
  readonly own: OwnCase;
  readonly peer: BenchCase;
}

async function firstRun(site: BenchSite, source: FilesSource): Promise<ComparedRun> {
  const own = await OwnCase.start(site, {
    name: `Longhaul ${textOf(source)}, first run`,
    source,
    opens: 'openTree',
    command: { type: 'copyTree', is: 'copied' },
    before: ({ mover }) => mover.do({ type: 'removeTree' }),
    check: (self) => compareFiles(self, source),
  });
  const target = join(site.folder, 'rsync-first');
  const peer: BenchCase = {
    name: 'rsync -a, first run',
    async prepare() {
      await rm(target, { recursive: true, force: true });
      await mkdir(target);
    },
    run: () => timed(() => rsync(source, target)),
  };
  return { own, peer };
}

async function unchangedRun(site: BenchSite, source: FilesSource): Promise<ComparedRun> {
  const command = { type: 'copyTree', is: 'same' } as const;
  const own = await OwnCase.start(site, {
    name: `Longhaul ${textOf(source)}, nothing changed`,
    source,
    opens: 'openTree',
    command,
    // What a look meets is as warm for it as for its peer, whatever ran before.
    before: ({ mover }) => mover.do(command),
    check: (self) => compareFiles(self, source),
  });
  await own.mover.do({ type: 'copyTree', is: 'copied' });
  const target = join(site.folder, 'rsync-unchanged');
  await mkdir(target);
  await rsync(source, target);
  const peer: BenchCase = {
    name: 'rsync -a, nothing changed',
    prepare: () => rsync(source, target),
    run: () => timed(() => rsync(source, target)),
  };
  return { own, peer };
}

/** The clock stops when all of it is durable. */
async function rsync(source: FilesSource, target: string): Promise<void> {
  await runProgram('rsync', '-a', `${source.folder}/`, `${target}/`);
  await runProgram('sync', '--file-system', target);
}

async function compareFiles({ mover }: OwnCase, { folder }: FilesSource): Promise<void> {
  await runProgram('diff', '-rq', join(folder, SHARE), await mover.treeFiles());
}

function textOf({ fileCount }: FilesSource): string {
  return `${fileCount.toLocaleString('en')} files of ${SMALL_FILE_BYTES / 1024} KiB`;
}

/** Twice what a first run reads and writes. */
function touchedMiB({ fileCount }: FilesSource): number {
  return Math.min(MOST_TOUCHED_MIB, (4 * fileCount * SMALL_FILE_BYTES) / 1024 ** 2);
}

/** More than the data that the page cache is to hold would push it out. */
const MOST_TOUCHED_MIB = 2048;
const SHARE = 'share';

async function makeFiles(folder: string, fileCount: number): Promise<FilesSource> {
  const bytes = noise('many files', SMALL_FILE_BYTES);
  for (let first = 0; first < fileCount; first += FILES_OF_A_FOLDER) {
    const name = `folder-${first / FILES_OF_A_FOLDER}`;
    const place = join(folder, SHARE, '2026-11-24-010000', name);
    await mkdir(place, { recursive: true });
    for (let i = 0; i < FILES_OF_A_FOLDER; i++) {
      bytes.writeUInt32LE(first + i);
      await writeFile(join(place, `file-${i}`), bytes);
    }
  }
  await writeFile(join(folder, SHARE, 'backup.marker'), '');
  return { folder, fileCount };
}
