import type { PagedContent } from './paged-content.js';
import {
  nameKey,
  setName,
  type FileChange,
  type SimulatedDisk,
  type SimulatedFile,
  type SimulatedFolder,
} from './simulated-disk.js';

export const SECTOR_BYTES = 512;

/** Numbers from 0 up to 1. */
type Random = () => number;

/** What one power cut leaves of `disk`, which is not changed; the same seed leaves the same.
 *
 *  - What was synced is there.
 *  - Of unsynced writes any subset of their sectors may be there. A sector that was written several times has one of its states:
 *    later bytes never appear in it without the earlier ones, because the cache writes whole sectors.
 *  - Of unsynced changes of names any subset may be there, each as a whole (a rename is one change), but none without the
 *    earlier ones about the same name.
 *  - Names and data do not wait for each other: a durable name may have lost its data. */
export function afterPowerCut(disk: SimulatedDisk, seed: number): SimulatedDisk {
  const random = randomNumbers(seed);
  const survivor = disk.copy();
  loseNames(survivor, random);
  settle(survivor.root, random, new Set());
  return survivor;
}

function loseNames(disk: SimulatedDisk, random: Random): void {
  const isLost = oneOf(random, [0, 0.5, 1]);
  const stopped = new Set<string>();
  for (const { entries } of disk.unsyncedNames) {
    if (entries.some((entry) => stopped.has(nameKey(entry))) || random() < isLost) {
      for (const entry of entries) stopped.add(nameKey(entry));
    } else {
      for (const entry of entries) setName(entry.folder.durableNames, entry);
    }
  }
  disk.unsyncedNames = [];
}

function settle(folder: SimulatedFolder, random: Random, settled: Set<SimulatedFolder>): void {
  if (settled.has(folder)) return;
  settled.add(folder);
  folder.names = new Map(folder.durableNames);
  for (const node of folder.names.values()) {
    if (node.type === 'folder') settle(node, random, settled);
    else loseData(node, random);
  }
}

/** Afterwards the file has nothing unsynced: a second call, through a second name, changes nothing. */
function loseData(file: SimulatedFile, random: Random): void {
  if (file.unsynced.length > 0) {
    const content = file.durable.copy();
    const surviving = new SurvivingChanges(content, random);
    for (const change of file.unsynced) surviving.add(change);
    file.durable = content;
    file.unsynced = [];
  }
  file.content = file.durable.copy();
}

class SurvivingChanges {
  readonly #content: PagedContent;
  readonly #random: Random;
  readonly #changeIsLost: number;
  readonly #sectorIsLost: number;
  /** Sectors that lost a change and take no later one. */
  readonly #stopped = new Set<number>();
  /** After a lost shrink, what lies behind it keeps the blocks of before. */
  #stoppedFromSector = Infinity;

  constructor(content: PagedContent, random: Random) {
    this.#content = content;
    this.#random = random;
    this.#changeIsLost = oneOf(random, [0, 0.5, 1]);
    this.#sectorIsLost = oneOf(random, [0, 0.1, 0.5]);
  }

  add(change: FileChange): void {
    const isLost = this.#random() < this.#changeIsLost;
    if (change.kind === 'truncate') this.#truncate(change, isLost);
    else this.#write(change.bytes, change.offset, isLost);
  }

  #truncate({ sizeBytes, isShrink }: Extract<FileChange, { kind: 'truncate' }>, isLost: boolean) {
    if (this.#stoppedFromSector < Infinity) return;
    if (!isLost) this.#content.truncate(sizeBytes);
    else if (isShrink) this.#stoppedFromSector = Math.floor(sizeBytes / SECTOR_BYTES);
  }

  #write(bytes: Uint8Array, offset: number, isLost: boolean): void {
    for (const part of sectorsOf(offset, bytes.length)) {
      if (part.sector >= this.#stoppedFromSector || this.#stopped.has(part.sector)) continue;
      if (isLost || this.#random() < this.#sectorIsLost) this.#stopped.add(part.sector);
      else this.#content.write(bytes.subarray(part.start, part.end), offset + part.start);
    }
  }
}

function* sectorsOf(offset: number, length: number) {
  for (let start = 0; start < length;) {
    const sector = Math.floor((offset + start) / SECTOR_BYTES);
    const end = Math.min(length, (sector + 1) * SECTOR_BYTES - offset);
    yield { sector, start, end };
    start = end;
  }
}

function oneOf(random: Random, choices: readonly [number, ...number[]]): number {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** mulberry32: small, seeded, good enough to choose among outcomes. */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
