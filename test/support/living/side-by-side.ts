import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { LocalServer, WorkerDeath } from '../workflows/local-server.js';
import { InProcessWorker } from '../workflows/local-worker.js';
import fc from '../properties.js';

const MINUTE_MS = 60_000;

/** A workflow that is started. */
export interface Order {
  readonly type: string;
  readonly id: string;
  readonly input: unknown;
}

/** In which order the steps of several workflows come, and what befalls them. */
export interface Moment {
  /** Which of the steps that are due comes next, over and over. */
  readonly picks: readonly number[];
  /** Minutes that each step waits for its worker, over and over. */
  readonly waits: readonly number[];
  /** How often each worker writes until it dies; the last one lives. */
  readonly deaths: readonly number[];
  /** Steps after which the workflow that was ordered last is asked to stop. */
  readonly stopAfter: number | null;
}

export const aMoment: fc.Arbitrary<Moment> = fc.record({
  picks: fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
  waits: fc.array(fc.constantFrom(0, 0, 0, 0, 1, 20), { minLength: 1, maxLength: 5 }),
  deaths: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 2 }),
  stopAfter: fc.option(fc.nat(20), { freq: 5 }),
});

export const A_QUIET_MOMENT: Moment = { picks: [0], waits: [0], deaths: [], stopAfter: null };

/** The folder of a repository that workers open. */
export interface WorkFolder {
  readonly id: string;
  readonly rootPath: string;
  readonly readOnly: boolean;
}

/** Does what was ordered, step by step in the order of the moment, by workers of the product over real folders.
 *  @returns what each ended with, by id, and when all had ended */
export async function runSideBySide(
  orders: readonly Order[],
  folders: readonly WorkFolder[],
  nowMs: number,
  { picks, waits, deaths, stopAfter }: Moment,
  immutableForDays = 0,
): Promise<{ ends: Map<string, unknown>; nowMs: number }> {
  let steps = 0;
  const beforeActivity = () => {
    if (steps === stopAfter) server.stop(orders.at(-1)!.id);
    server.takeMs(waits[steps++ % waits.length]! * MINUTE_MS);
    return Promise.resolve();
  };
  const living = [...deaths];
  const newWorker = async () => {
    const life = new Life(living.shift() ?? Infinity);
    const opened = folders.map(async (folder) =>
      mortal(await openDirectoryRepository(folder), life),
    );
    return new InProcessWorker(await Promise.all(opened), {
      ...{ beforeActivity, isDead: () => life.isOver, immutableForDays },
    });
  };
  let server = new LocalServer(await newWorker(), nowMs);
  server.pick = (count) => picks[steps % picks.length]! % count;
  for (const { type, id, input } of orders) server.begin(type, id, input);
  const ends = new Map<string, unknown>();
  for (const { id } of orders)
    while (!ends.has(id))
      try {
        ends.set(id, await server.end(id));
      } catch (error) {
        if (!(error instanceof WorkerDeath)) throw error;
        server = server.withNewWorker(await newWorker());
      }
  return { ends, nowMs: server.nowMs };
}

class Life {
  constructor(private writesLeft: number) {}

  get isOver(): boolean {
    return this.writesLeft < 0;
  }

  write(): void {
    if (--this.writesLeft < 0) throw new Error('the process is dead');
  }
}

/** What a process does after its end does not happen. */
function mortal(
  repository: FolderRepository & { keepingFolders?: unknown },
  life: Life,
): FolderRepository {
  // It would open folders of its own.
  delete repository.keepingFolders;
  const { openWrite } = repository;
  repository.openWrite = async (path, create) => {
    life.write();
    const file = await openWrite.call(repository, path, create);
    endWith(life, file, ['write', 'truncate', 'sync']);
    return file;
  };
  endWith(life, repository, [
    ...(['makeFolder', 'rename', 'linkFile', 'unlink', 'removeFolder', 'syncFolder'] as const),
  ]);
  return repository;
}

function endWith<K extends string>(
  life: Life,
  calls: Record<K, (...input: never[]) => Promise<void>>,
  names: readonly K[],
): void {
  for (const name of names) {
    const call: (...input: never[]) => Promise<void> = calls[name].bind(calls);
    calls[name] = async (...input) => {
      life.write();
      await call(...input);
    };
  }
}
