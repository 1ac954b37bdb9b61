import { describe, expect, it } from 'vitest';
import type { DiskImage } from '../../../src/image/disk-image.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { RAW } from '../../../src/image/raw/raw-format.js';
import { fuzzReader, isRefusal, readWhole } from '../../support/fuzz/fuzz-reader.js';
import { FUZZED, keptCrashes } from '../../support/fuzz/samples.js';
import { SEALS } from '../../support/fuzz/seals.js';
import { firstDifference } from '../../support/image/composed-disk.js';

const SEED = 20_261_124;
const BLOCK = 65_536;
/** All formats together take a few seconds. `npm run fuzz` goes on for as long as it is told. */
const MOST_ROUNDS = 200;
const TRIED_BYTES = 150_000_000;

describe.each(FUZZED.map((each) => [each.reader.id, each] as const))(
  'the reader of %s',
  (id, { reader, samples: samplesOf }) => {
    it('reads or refuses whatever a file holds', async () => {
      const samples = await samplesOf();
      const largest = Math.max(...samples.map(({ length }) => length));
      const rounds = Math.min(MOST_ROUNDS, Math.ceil(TRIED_BYTES / largest));
      const report = await fuzzReader(reader, samples, { seed: SEED, rounds });
      expect(report.crash?.error ?? null).toBeNull();
      expect(report.rounds).toBe(rounds);
    });

    it('reads a sample that is not changed, so that changes are tried on what it reads', async () => {
      const errors = [];
      for (const bytes of await samplesOf()) errors.push(await readWhole(reader, bytes));
      const isKept = (index: number) => index >= errors.length - keptCrashes(id).length;
      expect(errors.filter((error, index) => error !== null && !isKept(index))).toEqual([]);
    });

    it('does so with every file that once broke it', async () => {
      for (const bytes of keptCrashes(id)) {
        const error = await readWhole(reader, bytes);
        expect(error === null || isRefusal(error)).toBe(true);
      }
    });
  },
);

describe('fuzzReader', () => {
  it('finds a reader that breaks, with the file that broke it', async () => {
    const fragile: ImageFormat = {
      ...RAW,
      open: (source) => {
        if (source.sizeBytes < 1_000) throw new RangeError('offset is out of bounds');
        return RAW.open(source);
      },
    };
    const { crash } = await fuzzReader(fragile, [Buffer.alloc(4_096)], { seed: 1, rounds: 2_000 });
    expect(crash?.error).toBeInstanceOf(RangeError);
    expect(crash?.bytes.length).toBeLessThan(1_000);
  });

  const crashOf = async (open: ImageFormat['open']): Promise<string> => {
    const run = { seed: 1, rounds: 20 };
    const { crash } = await fuzzReader({ ...RAW, open }, [Buffer.alloc(2 * BLOCK)], run);
    return String(crash?.error);
  };

  it('finds a reader whose map shows a block that its reads do not', async () => {
    const error = await crashOf(async (source) => {
      const image = await RAW.open(source);
      const read: DiskImage['read'] = async (target, offset, below) => {
        await image.read(target, offset, below);
        if (offset === 0) target[9] = 1;
      };
      return { ...image, read };
    });
    expect(error).toBe('Error: block 0 is another by the map (2) than read');
  });

  it('finds a reader that goes round in circles', async () => {
    const error = await crashOf(async (source) => {
      for (;;) await source.read(Buffer.alloc(8), 0);
    });
    expect(error).toBe('Error: it reads without an end');
  });

  it('tries the same files for the same seed', async () => {
    const seen: string[][] = [[], []];
    for (const files of seen) {
      const noting: ImageFormat = {
        ...RAW,
        readHead: async (source) => {
          const bytes = Buffer.alloc(source.sizeBytes);
          await source.read(bytes, 0);
          files.push(bytes.toString('base64'));
          return RAW.readHead(source);
        },
      };
      await fuzzReader(noting, [Buffer.alloc(4_096)], { seed: 9, rounds: 50 });
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(new Set(seen[0]).size).toBeGreaterThan(10);
  });
});

/** Where the checksums lie of files that their own tools made. */
const SEALED: readonly (readonly [id: string, places: (file: Buffer) => readonly number[]])[] = [
  ['vhd', (file) => [file.length - 512 + 64]],
  ['vhdx', () => [0x1_0004, 0x2_0004, 0x3_0004, 0x4_0004]],
  ['vma', () => [32, 12_800 + 24]],
  ['ova', () => [148, 1_024 + 148]],
  ['dump', (file) => [file.length - 1_024 + 28]],
  ['xz', (file) => [file.length - 12]],
];

describe.each(SEALED)('checksums of %s', (id, places) => {
  it('are made as they were', async () => {
    const { reader, samples } = FUZZED.find((each) => each.reader.id === id)!;
    // Of a dump of several terabytes no sum is asked.
    for (const sample of (await samples()).slice(0, id === 'dump' ? 1 : undefined)) {
      const broken = Buffer.from(sample);
      for (const at of places(broken)) broken.writeUInt8(broken[at]! ^ 1, at);
      expect(isRefusal(await readWhole(reader, broken))).toBe(true);
      SEALS[id]!(broken);
      expect(firstDifference(broken, sample)).toBeNull();
    }
  });
});
