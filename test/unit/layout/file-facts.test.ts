import { beforeEach, describe, expect, it } from 'vitest';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { FactKeeper } from '../../../src/mover/fact-keeper.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { CallCounter } from '../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-11-01T01:00:00Z');

describe('a second look at a source', () => {
  let source: SimulatedRepository;
  let machine: GrowingSource;
  let facts: FactKeeper;
  let counter: CallCounter;
  beforeEach(async () => {
    source = new SimulatedRepository('primary');
    machine = new GrowingSource(source, 'mail01', { blockCount: 4 });
    await machine.backUp(FIRST_MS, 'full');
    await machine.backUp(FIRST_MS + DAY_MS, 'incremental');
    facts = new FactKeeper();
    counter = new CallCounter(source);
  });

  async function look(repository: BackupRepository = source) {
    counter.reset();
    const [workload] = await scanRepository(repository, undefined, facts);
    return workload!.restorePoints;
  }

  it('opens no file when nothing has changed, and finds the same', async () => {
    const before = await look();
    expect(counter.opened).toHaveLength(2);
    expect(await look()).toEqual(before);
    expect([counter.opened, counter.reads, counter.stats]).toEqual([[], 0, 0]);
  });

  it('opens only what is new', async () => {
    await look();
    await machine.backUp(FIRST_MS + 2 * DAY_MS, 'incremental');
    expect(await look()).toHaveLength(3);
    expect(counter.opened).toEqual([pathOf(2)]);
  });

  it('opens a file again whose stamp has changed, and believes what it holds now', async () => {
    await look();
    const file = await source.openWrite(pathOf(1), 'existing');
    await file.write(Buffer.from('none'), 0);
    await file.close();
    expect((await look()).map(({ state }) => state)).toEqual(['complete', 'incomplete']);
    // For its head, and as that is none, for its first bytes.
    expect(counter.opened).toEqual([pathOf(1), pathOf(1)]);
  });

  it('opens every file again where stamps prove nothing', async () => {
    const weak = Object.assign(Object.create(source) as SimulatedRepository, {
      capabilities: { ...source.capabilities, stampsProve: false },
    });
    await look(weak);
    await look(weak);
    expect(counter.opened).toHaveLength(2);
  });

  it('does not keep what it read of a file that was written to since it was listed', async () => {
    const { list } = source;
    source.list = async (folder) => {
      const entries = await list.call(source, folder);
      if (folder === 'mail01') {
        const file = await source.openWrite(pathOf(1), 'existing');
        await file.write(Buffer.alloc(1), 65_536 * 2);
        await file.close();
      }
      return entries;
    };
    await look();
    source.list = list;
    await look();
    expect(counter.opened).toEqual([pathOf(1)]);
  });

  it('does not keep what it read of a file that was written to a moment ago', async () => {
    await look(asIfWrittenMsAgo(source, 500));
    await look(asIfWrittenMsAgo(source, 500));
    expect(counter.opened).toHaveLength(2);
  });

  it('asks again for what could not be read', async () => {
    const { openRead } = source;
    source.openRead = () => Promise.reject(new Error('away'));
    await expect(look()).rejects.toThrow('away');
    source.openRead = openRead;
    expect((await look()).map(({ state }) => state)).toEqual(['complete', 'complete']);
  });

  it('forgets files that are gone', async () => {
    await look();
    await source.remove(pathOf(1));
    await look();
    expect(await facts.load('primary/mail01')).not.toContain(machine.days[1]!.fileName);
  });

  function pathOf(day: number): string {
    return `mail01/${machine.days[day]!.fileName}`;
  }
});

/** The same files with stamps of now: all have the same age at every look. */
function asIfWrittenMsAgo(source: SimulatedRepository, ageMs: number): BackupRepository {
  const atNs = String(BigInt(Date.now() - ageMs) * 1_000_000n);
  const dated = <T extends { stamp: object }>(entry: T): T => ({
    ...entry,
    stamp: { ...entry.stamp, modifiedAtNs: atNs, changedAtNs: atNs },
  });
  return Object.assign(Object.create(source) as SimulatedRepository, {
    list: async (folder: string) => (await source.list(folder)).map(dated),
    stat: async (path: string) => {
      const entry = await source.stat(path);
      return entry === null ? null : dated(entry);
    },
  });
}
