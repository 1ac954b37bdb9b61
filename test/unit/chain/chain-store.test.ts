import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  parseChainRecord,
  serializeChainRecord,
} from '../../../src/chain/chain-record-document.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import {
  ownedChainRecord,
  readChainRecord,
  takeChain,
  writeChainRecord,
} from '../../../src/chain/chain-store.js';
import { BackupError, isBackupError } from '../../../src/domain/errors.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { targetChain } from '../domain/retention/chain-builder.js';

const FOLDER = 'nightly/web01';
const MAIN = `${FOLDER}/chain.json`;
const COPY = `${FOLDER}/chain.json.copy`;
const POINT = `${FOLDER}/2026-11-24T220000Z`;
const IDENTITY = {
  jobId: 'nightly',
  workload: { id: 'web01', name: 'web01', type: 'libvirt-kvm' },
} as const;

const SOURCE = { repositoryId: 'primary', fingerprint: null };
const PRESENCE = { lastSeenAt: null, absence: null };

/** A takeover that says nothing about the source. */
function take(...[where, folder, identity, owner]: TakeArguments): Promise<ChainRecord> {
  return takeChain(where, folder, identity, owner, null);
}
type TakeArguments = Parameters<typeof takeChain> extends [...infer First, unknown] ? First : never;

let repository: SimulatedRepository;
beforeEach(async () => {
  repository = new SimulatedRepository('offsite');
  await repository.makePlace(FOLDER);
});

afterEach(() => vi.restoreAllMocks());

/** The record at a revision; its one point tells the revisions apart. */
function recordAt(revision: number, change: Partial<ChainRecord> = {}): ChainRecord {
  const points = targetChain(['2026-11-24']).map((point) => ({
    ...point,
    id: '2026-11-24T220000Z',
    chainId: '2026-11-24T220000Z',
    companions: [{ path: `config/${revision}`, sizeBytes: 1, digest: '00' }],
  }));
  return {
    ...IDENTITY,
    revision,
    epoch: 3,
    owner: 'session-1',
    presence: PRESENCE,
    points,
    pending: null,
    ...change,
  };
}

async function put(path: string, bytes: Uint8Array | null): Promise<void> {
  if (bytes !== null) await repository.put(path, bytes);
}

async function putPoint(folder = POINT): Promise<void> {
  await repository.makePlace(folder);
  await put(`${folder}/vda.qcow2`, Buffer.from('disk'));
}

async function bytesOf(path: string): Promise<string | null> {
  if ((await repository.stat(path)) === null) return null;
  const file = await repository.openRead(path);
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  return bytes.toString();
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'no error';
  } catch (error) {
    return isBackupError(error) ? error.code : String(error);
  }
}

const WHOLE = serializeChainRecord(recordAt(10));
/** What can be found in the place of a file of which revision 10 was written last. */
const FOUND = {
  whole: WHOLE,
  older: serializeChainRecord(recordAt(7)),
  'newer by one': serializeChainRecord(recordAt(11)),
  'newer by many': serializeChainRecord(recordAt(20)),
  foreign: serializeChainRecord(recordAt(30, { jobId: 'weekly' })),
  lost: null,
  empty: Buffer.alloc(0),
  cut: WHOLE.subarray(0, WHOLE.length / 2),
};
type Found = keyof typeof FOUND;

const FOREIGN = 'CHAIN_FOREIGN';
const LOST = 'CHAIN_RECORD_LOST';
const CORRUPT = 'CHAIN_RECORD_CORRUPT';

/** Which revision is the record, by the order of writes in docs/FORMAT.md: the copy is written first, whole and durable, then the main
 *  file; so whatever is whole was the record once, the higher revision later than the lower one. Rows: `chain.json`; columns: its copy. */
const COLUMNS: readonly Found[] = [
  'whole', 'older', 'newer by one', 'newer by many', 'foreign', 'lost', 'empty', 'cut',
]; // prettier-ignore
// prettier-ignore
const RIGHT: Record<Found, readonly (number | string)[]> = {
  whole:           [10, 10, 11, 20, 10, 10, 10, 10],
  older:           [10,  7, 11, 20,  7,  7,  7,  7],
  'newer by one':  [11, 11, 11, 20, 11, 11, 11, 11],
  'newer by many': [20, 20, 20, 20, 20, 20, 20, 20],
  foreign:         [10,  7, 11, 20, FOREIGN, FOREIGN, FOREIGN, FOREIGN],
  lost:            [10,  7, 11, 20, FOREIGN, LOST, CORRUPT, CORRUPT],
  empty:           [10,  7, 11, 20, FOREIGN, CORRUPT, CORRUPT, CORRUPT],
  cut:             [10,  7, 11, 20, FOREIGN, CORRUPT, CORRUPT, CORRUPT],
};
const COMBINATIONS = Object.entries(RIGHT).flatMap(([main, answers]) =>
  answers.map((right, column) => ({ main: main as Found, copy: COLUMNS[column]!, right })),
);

describe('the two files of the commit record', () => {
  it.each(COMBINATIONS)('chain.json $main, its copy $copy: $right', async (combination) => {
    const { main, copy, right } = combination;
    await putPoint();
    await put(MAIN, FOUND[main]);
    await put(COPY, FOUND[copy]);
    const before = [await bytesOf(MAIN), await bytesOf(COPY)];
    const taken = take(repository, FOLDER, IDENTITY, 'session-2');
    if (typeof right === 'string') {
      expect(await codeOf(taken)).toBe(right);
      expect([await bytesOf(MAIN), await bytesOf(COPY)]).toEqual(before);
    } else {
      expect(await taken).toMatchObject({ revision: right + 1, epoch: 4, owner: 'session-2' });
      expect((await taken).points[0]?.companions[0]?.path).toBe(`config/${right}`);
      // Both are whole and equal again.
      const now = [await bytesOf(MAIN), await bytesOf(COPY)];
      expect(now[0]).toBe(now[1]);
      expect(parseChainRecord(Buffer.from(now[0] ?? ''), MAIN)).toEqual(await taken);
    }
    expect(await bytesOf(`${POINT}/vda.qcow2`)).toBe('disk');
  });

  it('names the folder and the points when both are lost, and says that nothing was changed', async () => {
    await putPoint();
    await putPoint(`${FOLDER}/2026-11-25T220000Z-2`);
    const error: unknown = await readChainRecord(repository, FOLDER).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: 'CHAIN_RECORD_LOST',
      details: { folder: FOLDER, points: ['2026-11-24T220000Z', '2026-11-25T220000Z-2'] },
    });
    expect(String(error)).toContain('Nothing was changed');
  });

  it('begins a chain where no point lies, empty folders and rests of other work notwithstanding', async () => {
    await repository.makePlace(POINT);
    await repository.makePlace(`${FOLDER}/.staging/2026-11-24T220000Z/work`);
    await putPoint(`${FOLDER}/.quarantine/2026-11-23T220000Z-corrupt-4`);
    expect(await readChainRecord(repository, FOLDER)).toBeNull();
    const taken = await take(repository, FOLDER, IDENTITY, 'session-1');
    expect(taken).toEqual({
      ...IDENTITY, revision: 1, epoch: 1, owner: 'session-1', presence: PRESENCE, points: [], pending: null,
    }); // prettier-ignore
  });

  it.each([
    ['main', MAIN, COPY],
    ['copy', COPY, MAIN],
  ])('changes nothing when the %s file is of a newer version', async (_, newer, known) => {
    await put(
      newer,
      Buffer.from(WHOLE.toString().replace('"longhaulChain":1', '"longhaulChain":2')),
    );
    await put(known, WHOLE);
    expect(await codeOf(take(repository, FOLDER, IDENTITY, 's'))).toBe('CHAIN_FORMAT_UNKNOWN');
    expect(await bytesOf(known)).toBe(WHOLE.toString());
  });

  const refuse = (...paths: string[]) => {
    const openRead = (path: string) =>
      paths.includes(path)
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'bad sector'))
        : repository.openRead(path);
    return { ...repository.fenced(() => undefined), openRead };
  };

  it.each([
    ['storage that answers for nothing', [COPY], true],
    ['two files that cannot be read', [MAIN, COPY], false],
  ])('does not take %s for a damaged file', async (_, paths, isAway) => {
    await put(MAIN, WHOLE);
    await put(COPY, WHOLE);
    const away = new BackupError('REPOSITORY_IO_ERROR', 'no answer');
    const failing = {
      ...refuse(...paths),
      ...(isAway ? { stat: () => Promise.reject(away) } : {}),
    };
    expect(await codeOf(readChainRecord(failing, FOLDER))).toBe('REPOSITORY_IO_ERROR');
  });

  it.each([MAIN, COPY])('goes by the other file where %s has a bad sector', async (path) => {
    await put(MAIN, WHOLE);
    await put(COPY, WHOLE);
    const failing = refuse(path);
    const record = await readChainRecord(failing, FOLDER);
    expect(record).toEqual(await readChainRecord(repository, FOLDER));
    await writeChainRecord(failing, FOLDER, record!);
    // Both are written anew, elsewhere on the storage.
    expect(await bytesOf(path)).toContain(`"revision":${record!.revision + 1}`);
  });
});

describe('writing the record', () => {
  it('grows the revision by one and writes the copy first', async () => {
    const first = await writeChainRecord(repository, FOLDER, recordAt(0));
    expect(first.revision).toBe(1);
    const operations = repository.operations.length;
    await writeChainRecord(repository, FOLDER, first);
    const renames = repository.operations.slice(operations).filter(({ kind }) => kind === 'rename');
    expect(renames.map(({ to }) => to)).toEqual([COPY, MAIN]);
  });

  it.each([
    ['a lower revision', { revision: 9 }],
    ['a higher revision', { revision: 11 }],
    ['an older epoch', { epoch: 2 }],
  ])('refuses a record with %s than the one on disk', async (_, change) => {
    await put(MAIN, WHOLE);
    await put(COPY, WHOLE);
    expect(await codeOf(writeChainRecord(repository, FOLDER, recordAt(10, change)))).toBe(
      'STALE_EPOCH',
    );
    expect(await bytesOf(MAIN)).toBe(WHOLE.toString());
  });

  it('compares with the copy when that is ahead', async () => {
    await put(MAIN, WHOLE);
    await put(COPY, FOUND['newer by one']);
    expect(await codeOf(writeChainRecord(repository, FOLDER, recordAt(10)))).toBe('STALE_EPOCH');
    expect((await writeChainRecord(repository, FOLDER, recordAt(11))).revision).toBe(12);
  });
});

describe('a record that is known', () => {
  const days = Array.from({ length: 2_500 }, (_, day) =>
    new Date(Date.parse('2020-01-01T22:00:00Z') + day * 86_400_000).toISOString(),
  );

  it('is not made from its text again, however long its chain is, until another one lies there', async () => {
    const points = targetChain(days, { source: { ...SOURCE, restorePointId: 'p'.repeat(500) } });
    const begun = await take(repository, FOLDER, IDENTITY, 'session-1');
    const written = await writeChainRecord(repository, FOLDER, { ...begun, points });
    const parse = vi.spyOn(JSON, 'parse');
    expect(await readChainRecord(repository, FOLDER)).toBe(written);
    const owned = await ownedChainRecord(repository, FOLDER, 1);
    const next = await writeChainRecord(repository, FOLDER, { ...owned, points: points.slice(1) });
    expect(await readChainRecord(repository, FOLDER)).toBe(next);
    expect(parse).not.toHaveBeenCalled();

    const foreign = { ...next, revision: next.revision + 1, points: points.slice(0, 3) };
    await put(MAIN, serializeChainRecord(foreign));
    await put(COPY, serializeChainRecord(foreign));
    expect(await readChainRecord(repository, FOLDER)).toEqual(foreign);
    expect(parse).toHaveBeenCalledTimes(1);
  });

  it('is as it would be read', async () => {
    const begun = await take(repository, FOLDER, IDENTITY, 'session-1');
    const points = targetChain(['2026-11-24', '2026-11-25']);
    const written = await writeChainRecord(repository, FOLDER, { ...begun, points });
    expect(parseChainRecord(Buffer.from((await bytesOf(MAIN))!), MAIN)).toEqual(written);
  });
});

describe('taking a chain', () => {
  beforeEach(async () => {
    await put(MAIN, WHOLE);
    await put(COPY, WHOLE);
  });

  it('changes nothing for the owner that has it', async () => {
    const taken = await take(repository, FOLDER, IDENTITY, 'session-1');
    expect(taken).toEqual(recordAt(10));
    expect(await bytesOf(MAIN)).toBe(WHOLE.toString());
  });

  it.each([
    ['behind', Buffer.from(serializeChainRecord(recordAt(9)))],
    ['damaged', Buffer.from('{')],
  ])('makes the copy good that is %s, and writes nothing when both are', async (_, copy) => {
    const stampOf = async (path: string) => (await repository.stat(path))!.stamp;
    const [main, second] = [await stampOf(MAIN), await stampOf(COPY)];
    await take(repository, FOLDER, IDENTITY, 'session-1');
    expect([await stampOf(MAIN), await stampOf(COPY)]).toEqual([main, second]);
    await put(COPY, copy);
    await take(repository, FOLDER, IDENTITY, 'session-1');
    expect([await bytesOf(MAIN), await bytesOf(COPY)]).toEqual([
      WHOLE.toString(),
      WHOLE.toString(),
    ]);
  });

  it.each([
    ['another job', { ...IDENTITY, jobId: 'weekly' }],
    ['another workload', { ...IDENTITY, workload: { ...IDENTITY.workload, id: 'web02' } }],
  ])('refuses the chain of %s', async (_, identity) => {
    expect(await codeOf(take(repository, FOLDER, identity, 'session-2'))).toBe(FOREIGN);
    expect(await bytesOf(MAIN)).toBe(WHOLE.toString());
  });

  it('takes the new name of a workload over', async () => {
    const workload = { ...IDENTITY.workload, name: 'shop' };
    const taken = await take(repository, FOLDER, { ...IDENTITY, workload }, 'session-2');
    expect(taken.workload.name).toBe('shop');
  });

  it.each([
    ['a chain that is not there', 'nightly/web02', 3, 'FILE_MISSING'],
    ['an older epoch', FOLDER, 2, 'STALE_EPOCH'],
    ['a newer epoch', FOLDER, 4, 'STALE_EPOCH'],
    ['its own epoch', FOLDER, 3, 'no error'],
  ])('gives the record of %s', async (_, folder, epoch, code) => {
    expect(await codeOf(ownedChainRecord(repository, folder, epoch))).toBe(code);
  });

  it.each([
    ['taken again', () => take(repository, FOLDER, IDENTITY, 'session-1')],
    ['asked for by its owner', () => ownedChainRecord(repository, FOLDER, 3)],
  ])('ends a write that was stopped between the two files when it is %s', async (_, ask) => {
    await put(COPY, FOUND['newer by one']);
    expect((await ask()).revision).toBe(11);
    const newer = FOUND['newer by one'].toString();
    expect([await bytesOf(MAIN), await bytesOf(COPY)]).toEqual([newer, newer]);
  });
});

describe('the content of the record', () => {
  const wrong = (path: readonly (string | number)[], value: unknown): Buffer => {
    const record = JSON.parse(JSON.stringify(recordAt(10))) as ChainRecord;
    let place = record as unknown as Record<string | number, unknown>;
    for (const name of path.slice(0, -1)) place = place[name] as typeof place;
    place[path.at(-1)!] = value;
    return serializeChainRecord(record);
  };

  it.each([
    [['points'], null, 'record.points is not a list'],
    [['points', 0], 'x', 'record.points[0] is not an object'],
    [['points', 0, 'createdAt'], 'yesterday', 'record.points[0].createdAt is not a date'],
    [['points', 0, 'parentId'], undefined, 'record.points[0].parentId is missing'],
    [['points', 0, 'health'], 'fine', 'record.points[0].health is none of good, corrupt, unknown'],
    [
      ['points', 0, 'companions', 0, 'as'],
      '../../etc/passwd',
      'record.points[0].companions[0].as has the part ".."',
    ],
    [
      ['points', 0, 'companions', 0, 'modifiedAtNs'],
      'now',
      'record.points[0].companions[0].modifiedAtNs is not a time',
    ],
    [['pending'], { type: 'forget' }, 'record.pending.type is none of'],
    [['pending'], { type: 'merge', intoId: 'a' }, 'record.pending.fromId is missing'],
    [['revision'], -1, 'record.revision is not a count'],
    [['workload'], [], 'record.workload is not an object'],
  ])('is refused with %j of %j, digest or not', (path, value, words) => {
    expect(() => parseChainRecord(wrong(path, value), MAIN)).toThrow(words);
  });

  it('may hold fields that this release does not know, and keeps them', async () => {
    await put(MAIN, wrong(['points', 0, 'colour'], 'blue'));
    const taken = await take(repository, FOLDER, IDENTITY, 'session-2');
    expect(taken.points[0]).toHaveProperty('colour', 'blue');
  });
});

it('takes of the records of two machines of one job the one that belongs into the folder', async () => {
  const other = { ...IDENTITY.workload, id: 'web02', name: 'web02' };
  await put(MAIN, serializeChainRecord(recordAt(10)));
  await put(COPY, serializeChainRecord(recordAt(30, { workload: other })));
  expect((await readChainRecord(repository, FOLDER))?.revision).toBe(10);
  // Both are elsewhere: neither is believed.
  await repository.makePlace('nightly/web03');
  await put('nightly/web03/chain.json', serializeChainRecord(recordAt(10)));
  await put(
    'nightly/web03/chain.json.copy',
    serializeChainRecord(recordAt(30, { workload: other })),
  );
  expect(await codeOf(readChainRecord(repository, 'nightly/web03'))).toBe(FOREIGN);
});
