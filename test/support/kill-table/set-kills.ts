import { createHash } from 'node:crypto';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { readTreeRecord } from '../../../src/tree/tree-store.js';
import { segmentName } from '../layout/cluster-files.js';
import { testJob } from '../session/test-site.js';
import { mtfBackup } from '../tree/databases/mtf-writer.js';
import { DAY_MS, filesBelow, TreeWorld } from '../tree/tree-world.js';
import { killSessions, type KilledTree } from './tree-kills.js';

const KEPT_DAYS = 3;
const MIB = 1024 ** 2;

/** Backups of a database in files, as its own tool writes them. What is wrong with a copy is told from its files, its record, and what the files ever were. */
class DatabaseFiles implements KilledTree {
  readonly world: TreeWorld;
  isWarned = false;
  readonly #contents = new Map<string, Set<string>>();

  /** @param needsOf what a file of the copy is worth nothing without */
  constructor(
    folder: string,
    workloadId: string,
    private readonly needsOf: (path: string) => readonly string[],
  ) {
    const job = testJob({
      ...{ mode: 'immediate', restorePoints: 'all', transactionLogs: true, compact: null },
      retention: { type: 'days', value: KEPT_DAYS },
    });
    this.world = new TreeWorld(folder, '', job, workloadId);
  }

  async write(path: string, bytes: Buffer | string): Promise<void> {
    this.#contents.set(path, (this.#contents.get(path) ?? new Set()).add(digestOf(bytes)));
    await this.world.write(path, bytes);
  }

  remove(path: string): Promise<void> {
    return this.world.remove(path);
  }

  async faultsOf(target: SourceRepository): Promise<string[]> {
    const { tree } = this.world;
    const files = await filesBelow(target, `${tree}/files`);
    const points = (await readTreeRecord(target, tree))?.points ?? [];
    const ids = new Set(points.flatMap(({ id, source }) => [id, source.restorePointId]));
    return [
      ...[...files].flatMap(([path, bytes]) =>
        this.#contents.get(path)?.has(digestOf(bytes)) === true ? [] : [`${path} is torn`],
      ),
      ...[...files.keys()].flatMap((path) =>
        this.needsOf(path).flatMap((need) => (files.has(need) ? [] : [`${path} lacks ${need}`])),
      ),
      ...points.flatMap(({ id, files: own }) =>
        (own ?? []).flatMap((path) => (files.has(path) ? [] : [`point ${id} lacks ${path}`])),
      ),
      ...points.flatMap(({ id, needs }) =>
        needs.flatMap((need) => (ids.has(need) ? [] : [`point ${id} lacks point ${need}`])),
      ),
    ];
  }
}

function digestOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Archived log of PostgreSQL: nothing of a timeline is found without its history, and a label is of a segment. */
function logFolder(): DatabaseFiles {
  return new DatabaseFiles('wal', 'postgres-wal-wal', (path) => {
    if (path.endsWith('.history')) return [];
    const [segment = '', ...rest] = path.split('.');
    const timeline = segment.slice(0, 8);
    return [
      ...(timeline === '00000001' ? [] : [`${timeline}.history`]),
      ...(rest.length === 0 ? [] : [segment]),
    ];
  });
}

const segmentOf = (timeline: number, number: number): string =>
  `0000000${timeline}${segmentName(number).slice(8)}`;

async function archive(log: DatabaseFiles, timeline: number, ...numbers: number[]): Promise<void> {
  for (const number of numbers)
    await log.write(segmentOf(timeline, number), Buffer.alloc(MIB, timeline * 16 + number));
}

/** As PostgreSQL writes it when a server was promoted in its fourth segment of 1 MiB. */
const HISTORY = '1\t0/400000\tno recovery target specified\n';

/** Sets of SQL Server in one folder. */
function setFolder(): DatabaseFiles {
  return new DatabaseFiles('sql', 'mssql-sales-srv1-sql', () => []);
}

const START_MS = Date.parse('2026-11-20T22:00:00Z');

interface NamedSet {
  readonly path: string;
  readonly bytes: Buffer;
}

/** @param at log sequence number at which it begins; of a log, where the one before it ended */
function setOf(
  kind: 'D' | 'I' | 'L',
  hour: number,
  at: number,
  { to = at + 9, base = 0, path }: { to?: number; base?: number; path?: string } = {},
): NamedSet {
  const localMs = START_MS + hour * 3_600_000;
  const word = { D: 'FULL', I: 'DIFF', L: 'LOG' }[kind];
  const digits = new Date(localMs)
    .toISOString()
    .replace(/[-:]|\.\d+Z/g, '')
    .replace('T', '_');
  return {
    path: path ?? `SRV1_Sales_${word}_${digits}.${kind === 'L' ? 'trn' : 'bak'}`,
    bytes: mtfBackup({
      ...{ kind, database: 'Sales', server: 'SRV1', localMs, dataBytes: 4096 },
      ...{ firstLsn: at, lastLsn: to, checkpointLsn: at + 2, databaseLsn: base },
    }),
  };
}

async function backUp(sets: DatabaseFiles, ...made: readonly NamedSet[]): Promise<void> {
  for (const { path, bytes } of made) await sets.write(path, bytes);
}

/** A full, a differential and two logs behind it. */
const DAY_OF_SETS = [
  setOf('D', 0, 1_000),
  setOf('L', 1, 1_000, { to: 1_100, base: 1_002 }),
  setOf('I', 2, 1_110, { base: 1_002 }),
  setOf('L', 3, 1_100, { to: 1_200, base: 1_002 }),
];

interface SetScenario {
  readonly make: () => DatabaseFiles;
  readonly play: (files: DatabaseFiles, copied: () => Promise<void>) => Promise<void>;
}

/** The invariant: each file of the copy is one that its source had, whole; what it is worth nothing without lies there; each point that is listed has its files and the
 *  points that it needs; and the session that follows completes it. */
export const SET_SCENARIOS = {
  'first copy of a folder of log of PostgreSQL': {
    make: logFolder,
    play: async (log) => {
      await archive(log, 1, 1, 2, 3, 4);
      await log.write(`${segmentOf(1, 2)}.00000028.backup`, 'START WAL LOCATION: 0/200028\n');
      await log.write('00000002.history', HISTORY);
      await archive(log, 2, 4, 5);
    },
  },
  'copy of log that was added': {
    make: logFolder,
    play: async (log, copied) => {
      await archive(log, 1, 1, 2, 3);
      await copied();
      await archive(log, 1, 4);
      await log.write('00000002.history', HISTORY);
      await archive(log, 2, 4);
      await log.write(`${segmentOf(2, 5)}.partial`, Buffer.alloc(MIB));
    },
  },
  'first copy of sets of SQL Server': {
    make: setFolder,
    play: (sets) => backUp(sets, ...DAY_OF_SETS),
  },
  'copy of sets that were added': {
    make: setFolder,
    play: async (sets, copied) => {
      await backUp(sets, ...DAY_OF_SETS);
      await copied();
      await backUp(
        sets,
        setOf('L', 5, 1_200, { to: 1_300, base: 1_002 }),
        setOf('D', 24, 1_310),
        setOf('L', 25, 1_300, { to: 1_400, base: 1_312 }),
      );
    },
  },
  'copy of a set that took the name of another': {
    make: setFolder,
    play: async (sets, copied) => {
      await backUp(sets, setOf('D', 0, 1_000, { path: 'Sales.bak' }));
      await copied();
      sets.isWarned = true;
      await backUp(sets, setOf('D', 24, 1_310, { path: 'Sales.bak' }));
    },
  },
  'removal of sets by retention': {
    make: setFolder,
    play: async (sets, copied) => {
      await backUp(sets, ...DAY_OF_SETS);
      await copied();
      for (const { path } of DAY_OF_SETS) await sets.remove(path);
      const days = KEPT_DAYS + 2;
      await backUp(
        sets,
        setOf('D', 24, 1_310),
        setOf('D', 24 * days, 2_310),
        setOf('L', 24 * days + 1, 2_300, { to: 2_400, base: 2_312 }),
      );
      sets.world.nowMs += (days + 2 * KEPT_DAYS) * DAY_MS;
    },
  },
} satisfies Record<string, SetScenario>;

export type SetScenarioName = keyof typeof SET_SCENARIOS;

export async function killSets(
  name: SetScenarioName,
  options: { readonly stride: number; readonly cuts: number },
): ReturnType<typeof killSessions> {
  const { make, play }: SetScenario = SET_SCENARIOS[name];
  const files = make();
  return killSessions(name, files, (copied) => play(files, copied), options);
}
