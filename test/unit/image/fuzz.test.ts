import { describe, expect, it } from 'vitest';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { IMAGE_FORMATS } from '../../../src/image/formats.js';
import { RAW } from '../../../src/image/raw/raw-format.js';
import { fuzzReader, isRefusal, readWhole } from '../../support/fuzz/fuzz-reader.js';
import { keptCrashes, samplesOf } from '../../support/fuzz/samples.js';

const SEED = 20_261_124;
/** All formats together take a few seconds. `npm run fuzz` goes on for as long as it is told. */
const MOST_ROUNDS = 300;
const TRIED_BYTES = 300_000_000;

describe.each(IMAGE_FORMATS.map((format) => [format.id, format] as const))(
  'the reader of %s',
  (id, format) => {
    it('reads or refuses whatever a file holds', async () => {
      const samples = await samplesOf(format);
      const largest = Math.max(...samples.map(({ length }) => length));
      const rounds = Math.min(MOST_ROUNDS, Math.ceil(TRIED_BYTES / largest));
      const report = await fuzzReader(format, samples, { seed: SEED, rounds });
      expect(report.crash?.error ?? null).toBeNull();
      expect(report.rounds).toBe(rounds);
    });

    it('reads a sample that is not changed, so that changes are tried on what it reads', async () => {
      const errors = [];
      for (const bytes of await samplesOf(format)) errors.push(await readWhole(format, bytes));
      expect(errors).toContain(null);
    });

    it('does so with every file that once broke it', async () => {
      for (const bytes of keptCrashes(id)) {
        const error = await readWhole(format, bytes);
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

  it('tries the same files for the same seed', async () => {
    const seen: string[][] = [[], []];
    for (const files of seen) {
      const noting: ImageFormat = {
        ...RAW,
        readHead: async (source) => {
          const bytes = Buffer.alloc(Math.min(64, source.sizeBytes));
          await source.read(bytes, 0);
          files.push(`${source.sizeBytes} ${bytes.toString('hex')}`);
          return RAW.readHead(source);
        },
      };
      await fuzzReader(noting, [Buffer.alloc(4_096)], { seed: 9, rounds: 50 });
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(new Set(seen[0]).size).toBeGreaterThan(10);
  });
});
