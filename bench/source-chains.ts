import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { feedProgram, makeDurable, runProgram } from './commands.js';
import { BLOCK_BYTES, noise, SeededNumbers, writeRawDisk } from './test-data.js';

export interface BenchSizes {
  readonly diskMiB: number;
  readonly dataMiB: number;
  /** Part of the disk's blocks that an increment changes. */
  readonly changedPart: number;
}

const DISK = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';
const CLUSTERED_RUNS = 8;
const BLOCKS_PER_MIB = (1024 * 1024) / BLOCK_BYTES;
const BLOCKS_PER_GIB = 1024 * BLOCKS_PER_MIB;

/** Names as oVirt's backup_vm.py gives them; checkpoint n of day n. */
function checkpointId(day: number): string {
  return `00000000-0000-4000-8000-00000000000${day}`;
}

function backupName(day: number, kind: 'full' | 'incremental'): string {
  return `2026110${day}010002.${checkpointId(day)}.${DISK}.${kind}.qcow2`;
}

/** Folders with one oVirt machine each, made by qemu-img. Their first full is one and the same file. */
export interface SourceChains {
  readonly full: string;
  /** A full and an increment whose changes are 8 runs of blocks. */
  readonly clustered: SourceChain;
  /** A full and an increment whose changes are single blocks. */
  readonly scattered: SourceChain;
  /** Two fulls with nothing that says how they differ (as `scattered` does). */
  readonly unrelated: SourceChain;
  readonly changedBytes: number;
  readonly dataBytes: number;
}

/** A folder with one oVirt machine that has one full. */
export interface LargeFull {
  readonly folder: string;
  readonly full: string;
  readonly dataMiB: number;
}

export interface SourceChain {
  /** The repository. */
  readonly folder: string;
  readonly files: readonly [full: string, second: string];
}

export async function makeSourceChains(folder: string, sizes: BenchSizes): Promise<SourceChains> {
  await mkdir(folder, { recursive: true });
  const raw = join(folder, 'disk.raw');
  const data = await writeRawDisk(raw, sizes);
  const full = join(folder, 'full.qcow2');
  await runProgram('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, full);
  await rm(raw);
  const count = Math.round((sizes.diskMiB * 16 * sizes.changedPart) / CLUSTERED_RUNS);
  const changedBlocks = count * CLUSTERED_RUNS;
  const clustered = await makeIncrement(folder, 'clustered', full, runsOf(data, count));
  const scattered = await makeIncrement(folder, 'scattered', full, singles(data, changedBlocks));
  const unrelated = await makeChain(folder, 'unrelated', full, 'full');
  await runProgram(
    ...(['qemu-img', 'convert', '-f', 'qcow2', '-O', 'qcow2'] as const),
    scattered.files[1],
    unrelated.files[1],
  );
  const changedBytes = changedBlocks * BLOCK_BYTES;
  return {
    full,
    clustered,
    scattered,
    unrelated,
    changedBytes,
    dataBytes: data.length * BLOCK_BYTES,
  };
}

export async function makeLargeFull(
  folder: string,
  sizes: Pick<BenchSizes, 'diskMiB' | 'dataMiB'>,
): Promise<LargeFull> {
  const machine = join(folder, 'bench01');
  await mkdir(machine, { recursive: true });
  const raw = join(folder, 'disk.raw');
  await writeRawDisk(raw, sizes);
  const full = join(machine, backupName(1, 'full'));
  await runProgram('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, full);
  await rm(raw);
  return { folder, full, dataMiB: sizes.dataMiB };
}

/** A full of `dataMiB`, single blocks, and an increment of `changedMiB`, runs of 1 MiB, both evenly spread over the whole disk. */
export async function makeSparseChain(
  folder: string,
  {
    diskGiB,
    changedMiB,
    dataMiB = 256,
  }: { readonly diskGiB: number; readonly changedMiB: number; readonly dataMiB?: number },
): Promise<SourceChain> {
  const name = `${changedMiB}-of-${diskGiB}`;
  const full = join(folder, `${name}.qcow2`);
  await runProgram('qemu-img', 'create', '-q', '-f', 'qcow2', full, `${diskGiB}G`);
  const diskBlocks = diskGiB * BLOCKS_PER_GIB;
  await writeNoise(full, 'full', spread(diskBlocks, dataMiB * BLOCKS_PER_MIB, 1));
  return makeIncrement(folder, name, full, spread(diskBlocks, changedMiB, BLOCKS_PER_MIB));
}

function spread(diskBlocks: number, runs: number, count: number): BlockRun[] {
  return Array.from({ length: runs }, (_, i) => {
    return { first: Math.floor((diskBlocks / runs) * i), count };
  });
}

async function makeChain(
  folder: string,
  name: string,
  full: string,
  second: 'full' | 'incremental',
): Promise<SourceChain> {
  const machine = join(folder, name, 'bench01');
  await mkdir(machine, { recursive: true });
  const files = [
    join(machine, backupName(1, 'full')),
    join(machine, backupName(2, second)),
  ] as const;
  await link(full, files[0]);
  return { folder: join(folder, name), files };
}

async function makeIncrement(
  folder: string,
  name: string,
  full: string,
  changes: readonly BlockRun[],
): Promise<SourceChain> {
  const chain = await makeChain(folder, name, full, 'incremental');
  const file = chain.files[1];
  const create = ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', backupName(1, 'full'), file];
  await runProgram('qemu-img', ...create);
  await writeNoise(file, name, changes);
  return chain;
}

async function writeNoise(image: string, seed: string, runs: readonly BlockRun[]): Promise<void> {
  const pattern = `${image}.pattern`;
  await writeFile(pattern, noise(seed, BLOCK_BYTES));
  const commands = runs.map(
    ({ first, count }) => `write -q -s ${pattern} ${first * BLOCK_BYTES} ${count * BLOCK_BYTES}\n`,
  );
  // Nearly every write to a sparse disk needs a table of its own, and qemu-io would sync each: 12 s instead of 3 for 2 TiB.
  await feedProgram('qemu-io', ['-f', 'qcow2', '-t', 'unsafe', image], commands.join(''));
  await makeDurable(image);
  await rm(pattern);
}

interface BlockRun {
  readonly first: number;
  readonly count: number;
}

/** 8 runs of blocks, evenly spread over the data. */
function runsOf(data: readonly number[], count: number): BlockRun[] {
  return Array.from({ length: CLUSTERED_RUNS }, (_, run) => {
    const first = data[Math.floor((data.length * run) / CLUSTERED_RUNS)]!;
    return { first, count };
  });
}

/** Single blocks of data, no two of them the same, in order. */
function singles(data: readonly number[], count: number): BlockRun[] {
  const numbers = new SeededNumbers('scattered');
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(data[numbers.next(data.length)]!);
  return [...chosen].sort((a, b) => a - b).map((first) => ({ first, count: 1 }));
}
