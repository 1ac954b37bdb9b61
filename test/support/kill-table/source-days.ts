import { KIB, MIB, type SourcePoint } from './source-chain.js';

/** Six days of a machine: two disks, one of which grows to a size that is no multiple of a cluster, is shrunk on the fourth day, so that its
 *  end is gone, and grown again on the fifth; a third from the fourth day on;
 *  clusters of 4 KiB, 64 KiB and 2 MiB, subclusters, compressed and zero clusters. */
export const SIX_DAYS: readonly SourcePoint[] = [
  {
    system: full(3 * MIB, [
      noise(1, 0, 192 * KIB),
      noise(2, MIB, 320 * KIB),
      { compressed: 0x51, at: 2 * MIB, bytes: 128 * KIB },
    ]),
    data: full(
      MIB + 5 * 512,
      [noise(3, 64 * KIB, 100 * KIB), noise(4, MIB, 5 * 512)],
      'cluster_size=4k',
    ),
  },
  {
    system: increment(
      3 * MIB,
      [noise(5, 64 * KIB, 64 * KIB), zero(MIB, 128 * KIB)],
      'cluster_size=4k',
    ),
    data: increment(2 * MIB + 512, [noise(6, MIB + 256 * KIB, 70 * KIB)], 'extended_l2=on'),
  },
  {
    system: increment(3 * MIB, [
      noise(7, MIB, 64 * KIB),
      { compressed: 0x52, at: 2 * MIB + 64 * KIB, bytes: 64 * KIB },
    ]),
    data: increment(
      2 * MIB + 512,
      [zero(64 * KIB, 64 * KIB), noise(8, 2 * MIB, 512)],
      'cluster_size=2M',
    ),
  },
  {
    system: increment(3 * MIB, []),
    data: increment(MIB + 200 * KIB, [noise(9, 128 * KIB, 192 * KIB)]),
    added: full(512 * KIB, [noise(10, 128 * KIB, 128 * KIB)]),
  },
  {
    system: increment(3 * MIB, [noise(11, 0, 64 * KIB), zero(64 * KIB, 64 * KIB)]),
    data: increment(2 * MIB + 512, []),
    added: increment(512 * KIB, [noise(12, 0, 64 * KIB)]),
  },
  {
    system: increment(3 * MIB, [noise(13, 2 * MIB + 512 * KIB, 300 * KIB)]),
    data: increment(2 * MIB + 512, [noise(14, 64 * KIB, 64 * KIB)]),
    added: increment(512 * KIB, [zero(128 * KIB, 64 * KIB)]),
  },
];

export const TWO_DAYS: readonly SourcePoint[] = [
  { system: full(MIB, [noise(21, 0, 128 * KIB), noise(22, 512 * KIB, 64 * KIB)]) },
  { system: increment(MIB, [noise(23, 64 * KIB, 128 * KIB), zero(512 * KIB, 64 * KIB)]) },
];

/** The same while the second was being written: what its tool wrote last is not there yet. */
export const TWO_DAYS_BEGUN: readonly SourcePoint[] = [
  TWO_DAYS[0]!,
  { system: increment(MIB, [noise(23, 64 * KIB, 128 * KIB)]) },
];

/** The second day has nothing but zeros: no data, and with them no sync, come before its entries. */
export const ZEROED: readonly SourcePoint[] = [
  { system: full(MIB, [noise(25, 0, 64 * KIB), noise(26, 512 * KIB, 64 * KIB)]) },
  { system: increment(MIB, [zero(0, 64 * KIB)]) },
];

/** Then, on a third day, a block that no other day wrote. */
export const THREE_DAYS: readonly SourcePoint[] = [
  ...TWO_DAYS,
  { system: increment(MIB, [noise(24, 256 * KIB, 64 * KIB)]) },
];

/** Day by day a full, as a tool without increments makes them: the second, of a smaller disk, is compared block by block. */
export const FULLS: readonly SourcePoint[] = [
  { system: full(2 * MIB, [noise(31, 0, 256 * KIB), noise(32, MIB, 128 * KIB)]) },
  { system: full(MIB + 80 * KIB, [noise(31, 0, 256 * KIB), noise(33, MIB, 64 * KIB)]) },
];

/** More than one window of 8 MiB. */
export const LARGE: readonly SourcePoint[] = [
  {
    system: full(16 * MIB, [noise(41, 0, 8 * MIB), noise(42, 8 * MIB, MIB)]),
  },
];

/** What describes a machine, beside its disks: one file is larger than what a power cut loses at once. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  'mail01-7a1d5c3e-90b2-4f6a-8d27-5b3e1c9f0a64.ovf': `<Envelope>${'mail01 '.repeat(2_000)}</Envelope>`,
  'mail-7a1d5c3e-90b2-4f6a-8d27-5b3e1c9f0a64.ovf': '<Envelope>its name was mail</Envelope>',
};

function full(sizeBytes: number, writes: SourcePoint[string]['writes'], options?: string) {
  return { kind: 'full', sizeBytes, writes, options } as const;
}

function increment(sizeBytes: number, writes: SourcePoint[string]['writes'], options?: string) {
  return { kind: 'incremental', sizeBytes, writes, options } as const;
}

function noise(seed: number, at: number, bytes: number) {
  return { noise: seed, at, bytes };
}

function zero(zeroAt: number, bytes: number) {
  return { zeroAt, bytes };
}
