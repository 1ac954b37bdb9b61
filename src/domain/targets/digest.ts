/** Units and digests. Everything Longhaul compares, stores and verifies is counted in blocks of this size. */

/** Block and target cluster: unit of change, zero test and digest. 64 KiB measured best (docs/PERFORMANCE.md, Units). */
export const BLOCK_BYTES = 65_536;

/** Blocks between two updates of the durable cursor: 8 MiB. */
export const WINDOW_BLOCKS = 128;
export const WINDOW_BYTES = WINDOW_BLOCKS * BLOCK_BYTES;

export type DigestAlgorithm = 'sha256' | 'blake3';

/** Both algorithms give 32 bytes. */
export const DIGEST_BYTES = 32;

/** Lower-case hex of a digest. */
export type Digest = string;
