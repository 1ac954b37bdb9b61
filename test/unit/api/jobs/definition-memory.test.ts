import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  definitionMemory,
  type RememberedDefinition,
} from '../../../../src/api/jobs/definition-memory.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-'));
});
afterEach(() => rm(folder, { recursive: true }));

const NIGHTLY: RememberedDefinition = {
  ...{ version: '3 2026-11-29T12:00:00.000Z', input: { job: { id: 'nightly' } } },
  ...{ skippedStarts: 0, createdAtMs: 1, writtenAtMs: 2, nextTimeMs: null },
};

async function write(path: string, ...latest: (readonly [string, RememberedDefinition])[][]) {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const memory = definitionMemory(path, 'known-jobs');
  for (const definitions of latest) memory.write(new Map(definitions));
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
}

const read = () => definitionMemory(folder, 'known-jobs').read();

describe('the memory of definitions', () => {
  it('holds for the next process what was written last, for nobody else to read', async () => {
    await write(folder, [['hourly', NIGHTLY]], [['nightly', NIGHTLY]]);
    await vi.waitFor(async () => expect([...(await read())]).toEqual([['nightly', NIGHTLY]]));
    expect((await stat(join(folder, 'known-jobs.json'))).mode & 0o777).toBe(0o600);
    expect(await definitionMemory(folder, 'known-file-backups').read()).toEqual(new Map());
  });

  it.each([
    ['half of it', (text: string) => text.slice(0, text.length / 2)],
    ['another format', (text: string) => text.replace('"longhaulDefinitions":1', '"a":1')],
    ['null', () => 'null'],
    ['a definition without a job', (text: string) => text.replace('"job"', '"jobs"')],
    ['a definition without a time', (text: string) => text.replace('"writtenAtMs":2', '"w":2')],
  ])('holds nothing of a file that is damaged: %s', async (_, damage) => {
    await write(folder, [['nightly', NIGHTLY]]);
    await vi.waitFor(async () => expect((await read()).size).toBe(1));
    const path = join(folder, 'known-jobs.json');
    await writeFile(path, damage(await readFile(path, 'utf8')));
    expect(await read()).toEqual(new Map());
  });

  it('makes no state directory', async () => {
    const gone = join(folder, 'gone');
    await write(gone, [['nightly', NIGHTLY]]);
    await vi.waitFor(async () =>
      expect(await definitionMemory(gone, 'x').read()).toEqual(new Map()),
    );
    await expect(stat(gone)).rejects.toThrow('ENOENT');
    expect(await definitionMemory(null, 'x').read()).toEqual(new Map());
  });
});
