import { beforeEach, describe, expect, it, vi } from 'vitest';
import { noteFill, readFillSamples } from '../../../src/repository/fill-record.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const PATH = '.longhaul/room.json';
const MORNING_MS = Date.parse('2026-11-25T08:00:00Z');
const HOUR_MS = 3_600_000;

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

async function look(freeBytes: number, nowMs: number): Promise<void> {
  vi.spyOn(repository, 'capacity').mockResolvedValueOnce({ totalBytes: 100, freeBytes });
  await noteFill(repository, nowMs);
}

describe('the room of a target, day by day', () => {
  it('is kept as docs/FORMAT.md has it, the last look of each day', async () => {
    await look(90, MORNING_MS);
    await look(80, MORNING_MS + HOUR_MS);
    await look(70, MORNING_MS + 24 * HOUR_MS);
    expect((await readWholeFile(repository, PATH, 1_000))!.toString()).toBe(
      '{"longhaulRoom":1,"days":[{"day":"2026-11-25","totalBytes":100,"freeBytes":80},' +
        '{"day":"2026-11-26","totalBytes":100,"freeBytes":70}]}\n',
    );
  });

  it.each(['', 'null', '{"longhaulRoom":2,"days":[]}', '{"longhaulRoom":1,"days":[{"day":"x"}]}'])(
    'begins anew where %o stands',
    async (content) => {
      await repository.makePlace('.longhaul');
      await repository.put(PATH, Buffer.from(content));
      expect(await readFillSamples(repository)).toEqual([]);
      await look(70, MORNING_MS);
      expect(await readFillSamples(repository)).toEqual([
        { day: '2026-11-25', totalBytes: 100, freeBytes: 70 },
      ]);
    },
  );

  it('is not taken for unknown when the storage does not answer', async () => {
    vi.spyOn(repository, 'openRead').mockRejectedValueOnce(new Error('away'));
    await expect(readFillSamples(repository)).rejects.toThrow('away');
  });
});
