import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { TracedChain } from '../../support/mover/traced-chain.js';
import { makeLargeChain } from '../../support/session/large-chain.js';

const PAGE_BYTES = 4096;
const BLOCK_BYTES = 64 * 1024;
const OPERATIONS = ['full', 'scan', 'verify', 'restore', 'merge'] as const;

interface Transfer {
  readonly address: number;
  readonly bytes: number;
}

/** Reads and writes that moved more than a block, as `raw` of strace prints them: descriptor, address, bytes, offset, result. */
function transfersIn(lines: readonly string[]): Transfer[] {
  return lines
    .flatMap((line) => {
      const numbers = /64\(\w+, (\w+), \w+, \w+\) += (\w+)/.exec(line);
      return numbers === null ? [] : [{ address: Number(numbers[1]), bytes: Number(numbers[2]) }];
    })
    .filter(({ bytes }) => bytes > BLOCK_BYTES);
}

describe.skipIf(!requireTool('qemu-img') || !requireTool('strace'))('calls of the storage', () => {
  let chain: TracedChain;
  let traced: Map<string, string[]>;
  beforeAll(async () => {
    chain = await TracedChain.create();
    await makeLargeChain(chain.machineFolder, { sizeMiB: 24, seed: 'storage calls' });
    const calls = 'pread64,pwrite64';
    traced = await chain.trace(OPERATIONS, '-e', `trace=${calls},access`, '-e', `raw=${calls}`);
  }, 120_000);
  afterAll(() => chain.remove());

  it.each(OPERATIONS)(
    'of a %s move disk content to and from memory that starts on a page',
    (of) => {
      const transfers = transfersIn(traced.get(of)!);
      expect(transfers.length).toBeGreaterThan(2);
      expect(transfers.filter(({ address }) => address % PAGE_BYTES !== 0)).toEqual([]);
    },
  );
});
