import { beforeEach, describe, expect, it, vi } from 'vitest';
import { appendAuditLines, readAuditLines, readNewestAudit } from '../../../src/audit/audit-log.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { AuditFilter, AuditLine, AuditPage } from '../../../src/domain/access/audit.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const FOLDER = 'nightly/.audit';
const MIB = 1024 * 1024;

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

function line(id: string, change: Partial<AuditLine> = {}): AuditLine {
  return {
    id,
    at: '2026-11-26T22:00:00.000Z',
    who: 'anna',
    role: 'operator',
    subject: null,
    operation: 'startJob',
    path: '/jobs/nightly/start',
    outcome: 'done',
    before: null,
    after: null,
    ...change,
  };
}

async function names(folder = FOLDER): Promise<string[]> {
  return (await repository.list(folder)).map(({ name }) => name);
}

async function text(name: string): Promise<string> {
  return (await readWholeFile(repository, `${FOLDER}/${name}`, 8 * MIB))!.toString();
}

async function ids(): Promise<string[]> {
  return (await readAuditLines(repository, 'nightly')).map(({ id }) => id);
}

describe('audit lines beside the data', () => {
  it('are JSON, one a line, as docs/FORMAT.md has them', async () => {
    await appendAuditLines(repository, 'nightly', [line('a', { subject: 'sub-anna' })]);
    expect(await names()).toEqual(['2026-11.001.jsonl']);
    expect(await text('2026-11.001.jsonl')).toBe(
      '{"longhaulAudit":1,"id":"a","at":"2026-11-26T22:00:00.000Z","who":"anna","role":"operator","subject":"sub-anna",' +
        '"operation":"startJob","path":"/jobs/nightly/start","outcome":"done","before":null,"after":null}\n',
    );
  });

  it('of the repository lie in the folder of its marker', async () => {
    await appendAuditLines(repository, null, [line('a')]);
    expect(await names('.longhaul/audit')).toEqual(['2026-11.001.jsonl']);
    expect((await readAuditLines(repository, null)).length).toBe(1);
  });

  it('are added behind what is there, and one that comes again is not', async () => {
    await appendAuditLines(repository, 'nightly', [line('a'), line('b')]);
    const before = await text('2026-11.001.jsonl');
    await appendAuditLines(repository, 'nightly', [line('b'), line('c')]);
    await appendAuditLines(repository, 'nightly', [line('b'), line('c')]);
    expect((await text('2026-11.001.jsonl')).startsWith(before)).toBe(true);
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });

  it('go to the file of their month, in the order of time', async () => {
    await appendAuditLines(repository, 'nightly', [
      line('a', { at: '2026-12-01T00:00:00.000Z' }),
      line('b', { at: '2026-11-30T23:59:59.999Z' }),
    ]);
    expect(await names()).toEqual(['2026-11.001.jsonl', '2026-12.001.jsonl']);
    expect(await ids()).toEqual(['b', 'a']);
  });

  it('go to the next file when somebody has put something else in the place of theirs', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    await repository.remove(`${FOLDER}/2026-11.001.jsonl`);
    await repository.makePlace(`${FOLDER}/2026-11.001.jsonl`);
    await appendAuditLines(repository, 'nightly', [line('b')]);
    await appendAuditLines(repository, 'nightly', [line('b'), line('c')]);
    expect(await names()).toEqual(['2026-11.001.jsonl', '2026-11.002.jsonl']);
    expect(await ids()).toEqual(['b', 'c']);
  });

  it('go to the next file when theirs is larger than what is read', async () => {
    await repository.makePlace(FOLDER);
    await repository.put(`${FOLDER}/2026-11.001.jsonl`, Buffer.alloc(5 * MIB, 'x'), {
      expected: null,
    });
    await appendAuditLines(repository, 'nightly', [line('a')]);
    expect(await names()).toEqual(['2026-11.001.jsonl', '2026-11.002.jsonl']);
    expect(await text('2026-11.002.jsonl')).toContain('"id":"a"');
  });

  it('go behind the last file of the month when one before it is gone', async () => {
    await repository.makePlace(FOLDER);
    for (const number of ['001', '003'])
      await repository.put(`${FOLDER}/2026-11.${number}.jsonl`, Buffer.alloc(MIB, 'x'), {
        expected: null,
      });
    await appendAuditLines(repository, 'nightly', [line('a')]);
    expect((await names()).at(-1)).toBe('2026-11.004.jsonl');
  });

  it('begin another file where one would have more than 1 MiB, also when they come again', async () => {
    const large = (id: string) => line(id, { after: 'x'.repeat(MIB / 2) });
    for (const id of ['a', 'b', 'c', 'c', 'b'])
      await appendAuditLines(repository, 'nightly', [large(id)]);
    expect(await names()).toEqual([1, 2, 3].map((n) => `2026-11.00${n}.jsonl`));
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });

  it('stay readable behind what somebody has cut or written by hand', async () => {
    await repository.makePlace(FOLDER);
    await repository.put(
      `${FOLDER}/2026-11.001.jsonl`,
      Buffer.from('a note\nnull\n{"longhaulAudit":1,"id":"a"'),
    );
    await appendAuditLines(repository, 'nightly', [line('b')]);
    expect(await text('2026-11.001.jsonl')).toMatch(
      /^a note\nnull\n\{"longhaulAudit":1,"id":"a"\n\{/,
    );
    expect(await ids()).toEqual(['b']);
  });

  it('of a month stay, however many files somebody fills with others', async () => {
    await appendAuditLines(repository, 'nightly', [line('first')]);
    await repository.put(
      `${FOLDER}/2026-10.001.jsonl`,
      Buffer.from(await text('2026-11.001.jsonl')),
    );
    for (let number = 2; number <= 130; number++)
      await repository.put(
        `${FOLDER}/2026-11.${String(number).padStart(3, '0')}.jsonl`,
        Buffer.from('x'),
      );
    await appendAuditLines(repository, 'nightly', [line('second')]);
    expect((await names()).length).toBe(131);
    expect(await ids()).toEqual(['first', 'first', 'second']);
  });

  it('go on behind the thousandth file of a month, in the order of time', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    const file = (number: number) => `${FOLDER}/2026-11.${String(number).padStart(3, '0')}.jsonl`;
    await repository.put(file(999), Buffer.alloc(MIB, `${JSON.stringify(line('x'))}\n`));
    for (const id of ['b', 'c', 'd']) await appendAuditLines(repository, 'nightly', [line(id)]);
    expect(await names()).toContain('2026-11.1000.jsonl');
    expect((await ids()).slice(-3)).toEqual(['b', 'c', 'd']);
  });

  it('keep 120 months of a job, and what is no audit file', async () => {
    await repository.makePlace(FOLDER);
    await repository.put(`${FOLDER}/0000.txt`, Buffer.from('a note'));
    const months = Array.from({ length: 121 }, (_, month) =>
      new Date(Date.UTC(2026, month, 1)).toISOString(),
    );
    await appendAuditLines(
      repository,
      'nightly',
      months.map((at, index) => line(`${index}`, { at })),
    );
    const kept = await names();
    expect([kept.length, kept[0], kept[1]]).toEqual([121, '0000.txt', '2026-02.001.jsonl']);
  });

  it('are not undone by a writer that is believed dead and wakes', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    const put = repository.put.bind(repository);
    vi.spyOn(repository, 'put').mockImplementationOnce(async (...args) => {
      await appendAuditLines(repository, 'nightly', [line('b')]);
      return put(...args);
    });
    await expect(appendAuditLines(repository, 'nightly', [line('c')])).rejects.toThrow();
    expect(await ids()).toEqual(['a', 'b']);
  });
});

describe('the newest audit lines of a repository', () => {
  const ALL: AuditFilter = { jobId: null, fromMs: null, toMs: null };
  const at = (day: string) => ({ at: `2026-${day}T22:00:00.000Z` });

  async function pages(filter = ALL): Promise<string[][]> {
    const read: string[][] = [];
    let before: string | null = null;
    for (;;) {
      const { lines, hasMore }: AuditPage = await readNewestAudit(repository, filter, before);
      read.push(lines.map(({ id, jobId }) => `${id} ${jobId}`));
      if (!hasMore) return read;
      const last = lines.at(-1)!;
      before = `${last.at} ${last.id}`;
    }
  }

  it('are those of all jobs and of the repository, newest first over months and files', async () => {
    await appendAuditLines(repository, 'nightly', [line('a', at('10-31')), line('d', at('11-20'))]);
    await appendAuditLines(repository, 'weekly', [line('b', at('11-01'))]);
    await appendAuditLines(repository, null, [line('c', at('11-02'))]);
    expect(await pages()).toEqual([['d nightly', 'c null', 'b weekly', 'a nightly']]);
    expect(await pages({ ...ALL, jobId: 'nightly' })).toEqual([['d nightly', 'a nightly']]);
    const november = { fromMs: Date.parse('2026-11-01T00:00:00Z'), toMs: Date.parse('2026-11-20') };
    expect(await pages({ ...ALL, ...november })).toEqual([['c null', 'b weekly']]);
  });

  it('come in pages that leave none out and show none twice, whatever the places', async () => {
    const many = (name: string, count: number, month: string) =>
      Array.from({ length: count }, (_, i) => line(`${name}${i}`, at(`${month}-${10 + (i % 18)}`)));
    const written = [...many('a', 250, '10'), ...many('b', 150, '11')];
    await appendAuditLines(repository, 'nightly', written);
    const others = many('c', 120, '10');
    await appendAuditLines(repository, null, others);
    const read = await pages();
    expect(read.map((page) => page.length)).toEqual([200, 200, 120]);
    const ids = read.flat().map((text) => text.split(' ')[0]!);
    expect([...ids].sort()).toEqual([...written, ...others].map(({ id }) => id).sort());
    const times = new Map([...written, ...others].map((each) => [each.id, each.at]));
    const shown = ids.map((id) => `${times.get(id)!} ${id}`);
    expect(shown).toEqual([...shown].sort().reverse());
  });

  it('are cut before they are more than one answer holds', async () => {
    const long = Array.from({ length: 40 }, (_, i) => line(`l${i}`, { after: 'x'.repeat(20_000) }));
    await appendAuditLines(repository, 'nightly', long);
    // 400,000 bytes are 20 of them.
    expect((await pages()).map((page) => page.length)).toEqual([20, 20]);
  });

  it('are shown without those of parts that cannot be read, which are named', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    await appendAuditLines(repository, 'weekly', [line('b')]);
    await repository.makePlace('private/.audit');
    await repository.makePlace('lost+found/.audit');
    await repository.put('weekly/.audit/2026-12.001.jsonl', Buffer.alloc(4 * MIB + 1, ' '));
    const list = repository.list.bind(repository);
    vi.spyOn(repository, 'list').mockImplementation(async (folder) => {
      if (!/^(?:private|lost)/.test(folder)) return list(folder);
      throw new BackupError('REPOSITORY_ACCESS_DENIED', `${folder} may not be listed`);
    });
    const { lines, unreadable = [] } = await readNewestAudit(repository, ALL, null);
    expect(lines.map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect(unreadable.map(({ path, code }) => [path, code])).toEqual([
      ['private/.audit', 'REPOSITORY_ACCESS_DENIED'],
      ['weekly/.audit/2026-12.001.jsonl', 'FILE_TOO_LARGE'],
    ]);
  });

  it('fail as a whole when the storage is away', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    vi.spyOn(repository, 'openRead').mockRejectedValue(
      new BackupError('REPOSITORY_UNREACHABLE', 'offsite is away'),
    );
    await expect(readNewestAudit(repository, ALL, null)).rejects.toThrow('offsite is away');
  });

  it('of a later page are read from its month on, not again from the newest', async () => {
    await appendAuditLines(repository, 'nightly', [line('a', at('10-31')), line('b', at('11-20'))]);
    const opened = vi.spyOn(repository, 'openRead');
    const { lines } = await readNewestAudit(repository, ALL, '2026-10-31T23:00:00.000Z x');
    expect(lines.map(({ id }) => id)).toEqual(['a']);
    expect(opened.mock.calls.map(([path]) => path)).toEqual(['nightly/.audit/2026-10.001.jsonl']);
  });

  it('pass over what lacks what is shown', async () => {
    await appendAuditLines(repository, 'nightly', [line('a')]);
    const bad = ['{"id":"b","at":"2026-11-26T22:00:00.000Z"}', '{"id":"c","at":"soon","who":"x"}'];
    const path = `${FOLDER}/2026-11.001.jsonl`;
    const present = (await readWholeFile(repository, path, MIB))!;
    await repository.put(path, Buffer.concat([present, Buffer.from(`${bad.join('\n')}\n`)]));
    expect(await pages()).toEqual([['a nightly']]);
  });
});
