import { KIB, MIB, type SourcePoint } from '../kill-table/source-chain.js';

export const TIB = 1024 * 1024 * MIB;
/** Of a disk that holds next to nothing. */
export const THIN_DISK_BYTES = 64 * TIB;

/** 1 MiB of data over the whole disk: sixteen pieces, 4 TiB apart. */
export const THIN_PLACES = Array.from({ length: 16 }, (_, n) => n * 4 * TIB + n * 192 * KIB);

/** 64 KiB of noise at each place; the n-th has the seed `seed` + n. */
export function thinDay(
  kind: 'full' | 'incremental',
  places: readonly number[],
  seed: number,
): SourcePoint {
  const writes = places.map((at, n) => ({ noise: seed + n, at, bytes: 64 * KIB }));
  return { system: { kind, sizeBytes: THIN_DISK_BYTES, writes } };
}

/** A full, and an increment that changes three blocks beside those of the full. */
export const THIN_INCREMENT: readonly SourcePoint[] = [
  thinDay('full', THIN_PLACES, 1),
  thinDay(
    'incremental',
    THIN_PLACES.slice(0, 3).map((at) => at + 64 * KIB),
    50,
  ),
];

/** Two fulls that differ in one block. */
export const THIN_FULLS: readonly SourcePoint[] = [
  thinDay('full', THIN_PLACES, 1),
  thinDay('full', [...THIN_PLACES, TIB], 1),
];
