import { describe, expect, it } from 'vitest';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import {
  SimulatedCrash,
  SimulatedRepository,
  type CrashPlan,
  type SimulationOptions,
} from '../../support/repository/simulated-repository.js';

const OLD = Buffer.alloc(3000, 'old ');
const NEW = Buffer.alloc(5000, 'new ');
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

async function withOldRecord(): Promise<SimulatedRepository> {
  const repository = new SimulatedRepository();
  await repository.makePlace('job/web');
  await repository.put('job/web/chain.json', OLD);
  return repository.restart({ kind: 'power', seed: 1 });
}

function everyPosition(operations: number): CrashPlan[] {
  return Array.from({ length: operations }, (_, index) => index + 1).flatMap((atOperation) =>
    (['before', 'torn', 'after'] as const).map((when) => ({ atOperation, when })),
  );
}

async function contentsAfter(
  start: SimulatedRepository,
  options: SimulationOptions,
): Promise<(string | null)[]> {
  const repository = start.clone(options);
  await repository.put('job/web/chain.json', NEW).catch((error: unknown) => {
    if (!(error instanceof SimulatedCrash)) throw error;
  });
  const survivors = SEEDS.map((seed) => repository.restart({ kind: 'power', seed }));
  survivors.push(repository.restart({ kind: 'none' }));
  const contents = survivors.map((survivor) =>
    readWholeFile(survivor, 'job/web/chain.json', 10_000),
  );
  return (await Promise.all(contents)).map((content) => content?.toString() ?? null);
}

describe('put', () => {
  it('takes the steps: unfinished file, data, sync, rename, sync of the folder', async () => {
    const repository = (await withOldRecord()).clone();
    await repository.put('job/web/chain.json', NEW);
    expect(repository.operations.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'create job/web/chain.json.partial',
      'truncate job/web/chain.json.partial',
      'write job/web/chain.json.partial',
      'sync job/web/chain.json.partial',
      'rename job/web/chain.json.partial',
      'syncFolder job/web',
    ]);
  });

  it('leaves the old content or the new one when it is stopped at any operation', async () => {
    const start = await withOldRecord();
    for (const crash of everyPosition(6)) {
      for (const content of await contentsAfter(start, { crash }))
        expect([OLD.toString(), NEW.toString()]).toContain(content);
    }
  });

  it('leaves the new content when the power fails after it returned', async () => {
    const contents = await contentsAfter(await withOldRecord(), {});
    expect(new Set(contents)).toEqual(new Set([NEW.toString()]));
  });

  it('would lose both contents without the sync of the file', async () => {
    const disable = { sync: () => true };
    const contents = await contentsAfter(await withOldRecord(), { disable });
    expect(contents.some((content) => content === '')).toBe(true);
  });

  it('would lose the new content without the sync of the folder', async () => {
    const disable = { syncFolder: () => true };
    const contents = await contentsAfter(await withOldRecord(), { disable });
    expect(new Set(contents)).toEqual(new Set([OLD.toString(), NEW.toString()]));
  });

  it('works again after every stop, and leaves at most one unfinished file', async () => {
    const start = await withOldRecord();
    for (const crash of everyPosition(6)) {
      const repository = start.clone({ crash });
      await expect(repository.put('job/web/chain.json', NEW)).rejects.toThrow('killed');
      const survivor = repository.restart({ kind: 'power', seed: 7 });
      expect((await survivor.list('job/web')).length).toBeLessThanOrEqual(2);
      await survivor.put('job/web/chain.json', OLD.subarray(0, 10));
      const content = await readWholeFile(survivor, 'job/web/chain.json', 10_000);
      expect(content?.toString()).toBe('old old ol');
      expect((await survivor.list('job/web')).map(({ name }) => name)).toEqual(['chain.json']);
    }
  });
});

describe('readWholeFile', () => {
  it('reads a file of exactly the limit and refuses one byte more', async () => {
    const repository = await withOldRecord();
    const path = 'job/web/chain.json';
    expect((await readWholeFile(repository, path, 3000))?.equals(OLD)).toBe(true);
    await expect(readWholeFile(repository, path, 2999)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      details: { path, sizeBytes: 3000, maxBytes: 2999 },
    });
  });
});

describe('makePlace', () => {
  it('keeps the folder and its parents over a power cut', async () => {
    const repository = new SimulatedRepository();
    await repository.makePlace('a/b/c');
    for (const seed of SEEDS) {
      const survivor = repository.restart({ kind: 'power', seed });
      expect((await survivor.stat('a/b/c'))?.type).toBe('folder');
    }
  });

  it('makes a folder durable that an interrupted attempt had only made', async () => {
    const first = new SimulatedRepository('x', { crash: { atOperation: 4, when: 'before' } });
    await expect(first.makePlace('a/b/c')).rejects.toThrow(SimulatedCrash);
    const second = first.restart({ kind: 'none' });
    await second.makePlace('a/b/c');
    for (const seed of SEEDS) {
      const survivor = second.restart({ kind: 'power', seed });
      expect((await survivor.stat('a/b/c'))?.type).toBe('folder');
    }
  });
});
