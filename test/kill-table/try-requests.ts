import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { readWholeFile } from '../../src/repository/replace-file.js';
import {
  SimulatedObjectStore,
  type StoreFault,
  type StoreRequest,
} from '../support/repository/simulated-object-store.js';
import type { SimulatedRepository } from '../support/repository/simulated-repository.js';
import { WorkerDeath } from '../support/workflows/local-server.js';
import { chainAsText, faultsOfEnd, filesBelow, without } from './chain-end.js';
import { ChangeRun, NOW_MS } from './change-run.js';
import { faultsOfDigests, readShownPoints } from './read-points.js';
import type { ScenarioName } from './scenarios.js';
import type { Scenario } from './try-positions.js';

/** Scenarios that are tried on an object store, too. */
export const STORE_SCENARIOS: readonly ScenarioName[] = [
  'copy of a first full',
  'copy of one increment',
  'synthetic full and delete instead of a merge',
  'delete of a chain',
  'heal of damaged blocks',
];

export interface RequestEffort {
  /** At every how many requests; 1: all. */
  readonly stride: number;
  /** Where the first request is that is tried; 1 by default. */
  readonly first?: number;
  /** The store as the worker that is hit sees it, with a promise broken. */
  readonly wrap?: (store: SimulatedObjectStore) => BackupRepository;
  /** Enough is known when the first restore point is lost. */
  readonly untilLost?: boolean;
}

export interface RequestTally {
  faults: number;
  pointsRead: number;
  readonly lost: string[];
  /** A record, a file or a digest that is not as if nothing had happened, left-overs among them. */
  readonly wrong: string[];
}

interface Undisturbed {
  readonly requests: readonly StoreRequest[];
  readonly chain: string;
  readonly files: readonly string[];
  readonly staying: readonly string[];
}

/** What may happen to a request, with how many requests of the next process come before one that was under way. */
const NEVER_LATE = [0];
const LATE = [0, 3, 17, 61];

/** Goes through the requests that the scenario asks of an object store, lets every one go wrong in every way, and counts what became of the
 *  restore points. Nothing is torn there and no power fails: what is answered is durable. */
export async function tryRequests(
  scenario: Scenario,
  effort: RequestEffort,
): Promise<RequestTally> {
  const begun = await storeOf(scenario.target);
  const undisturbed = await runUndisturbed(scenario, begun);
  const tally: RequestTally = { faults: 0, pointsRead: 0, lost: [], wrong: [] };
  for (let k = effort.first ?? 1; k <= undisturbed.requests.length; k += effort.stride)
    for (const when of waysToFail(undisturbed.requests[k - 1]!)) {
      const fault = { atRequest: k, when } as const;
      await new Failure(scenario, undisturbed, tally, fault).tryAll(begun, effort.wrap);
      if (effort.untilLost === true && tally.lost.length > 0) return tally;
    }
  return tally;
}

function waysToFail({ isConditional }: StoreRequest): StoreFault['when'][] {
  const always = ['before', 'after', 'unanswered', 'late'] as const;
  return isConditional ? [...always, 'lostRace'] : [...always];
}

/** The same files in a store. */
async function storeOf(target: SimulatedRepository): Promise<SimulatedObjectStore> {
  const store = new SimulatedObjectStore(target.id);
  const put = async (folder: string): Promise<void> => {
    for (const { type, path } of await target.list(folder))
      if (type === 'folder') await put(path);
      else await store.put(path, (await readWholeFile(target, path, 2 ** 30))!);
  };
  await put('');
  return store.clone();
}

async function runUndisturbed(
  scenario: Scenario,
  begun: SimulatedObjectStore,
): Promise<Undisturbed> {
  const before = await readShownPoints(begun.clone(), scenario, scenario.damaged);
  const store = begun.clone();
  const wrongEnd = await begin(scenario, store, 1).toEnd();
  const after = await readShownPoints(store, scenario);
  const faults = [
    ...[...before.faults, ...after.faults].map(({ pointId, text }) => `${pointId} ${text}`),
    ...(await faultsOfDigests(store, scenario)),
    ...(await faultsOfEnd(store, scenario, scenario.end, after.shown)),
    ...(wrongEnd === null ? [] : [wrongEnd]),
  ];
  if (faults.length > 0) throw new Error(`${scenario.name}, undisturbed: ${faults.join('; ')}`);
  return {
    requests: store.operations,
    chain: await chainAsText(store, scenario.chain),
    files: await filesBelow(store, scenario.chain),
    staying: before.shown.filter((id) => after.shown.includes(id)),
  };
}

function begin(
  { change, source }: Scenario,
  store: SimulatedObjectStore,
  number: number,
  seen: BackupRepository = store,
): ChangeRun<SimulatedObjectStore> {
  // A session waits before it asks again: the next one begins later.
  const nowMs = NOW_MS + (number - 1) * 10 * 60_000;
  return ChangeRun.begin(change, source, store, { number, seen, nowMs });
}

/** One request that goes wrong in one way, with all that may follow. */
class Failure {
  constructor(
    private readonly scenario: Scenario,
    private readonly undisturbed: Undisturbed,
    private readonly tally: RequestTally,
    private readonly fault: StoreFault,
  ) {}

  async tryAll(begun: SimulatedObjectStore, wrap: RequestEffort['wrap']): Promise<void> {
    const store = begun.clone(this.fault);
    const run = begin(this.scenario, store, 1, wrap?.(store));
    await toEndOrDeath(run);
    for (const landsAfter of this.fault.when === 'late' ? LATE : NEVER_LATE)
      for (const by of store.isCrashed ? (['same', 'next'] as const) : (['next'] as const)) {
        const next = store.restart(landsAfter);
        await this.read(store.restart(landsAfter), `before ${by} session`, this.scenario.damaged);
        await this.recover(
          by === 'same' ? run.withNewWorker(next) : begin(this.scenario, next, 3),
          {
            where: `${by} session, lands after ${landsAfter}`,
          },
        );
      }
  }

  /** A session that meets a write of somebody else may end with a warning of it: then the next one has to do the rest. */
  private async recover(
    run: ChangeRun<SimulatedObjectStore>,
    { where }: { readonly where: string },
  ): Promise<void> {
    const { scenario, undisturbed, tally } = this;
    const { target } = run;
    tally.faults += 1;
    await toEndOrDeath(run);
    await this.read(target, `after ${where}`, scenario.damaged);
    const last = begin(scenario, target.clone(), 5);
    const end = await toEndOrDeath(last);
    const store = last.target;
    await this.read(store, `at the end, ${where}`, []);
    const note = (text: string) => tally.wrong.push(`${this.inWords(where)}: ${text}`);
    if (end !== null) note(end);
    const chain = await chainAsText(store, scenario.chain);
    if (chain !== undisturbed.chain) note(`the record is ${chain}`);
    const files = await filesBelow(store, scenario.chain);
    const surplus = without(files, undisturbed.files);
    const missing = without(undisturbed.files, files);
    if (surplus.length > 0) note(`left over: ${surplus.join(', ')}`);
    if (missing.length > 0) note(`missing: ${missing.join(', ')}`);
    for (const text of await faultsOfDigests(store, scenario)) note(text);
  }

  private async read(
    store: SimulatedObjectStore,
    where: string,
    unread: readonly string[],
  ): Promise<void> {
    const { shown, faults } = await readShownPoints(store.clone(), this.scenario, unread);
    const gone = this.undisturbed.staying.filter((id) => !shown.includes(id));
    this.tally.pointsRead += shown.length;
    for (const { pointId, text } of faults)
      this.tally.lost.push(`${this.inWords(where)}: ${pointId} ${text}`);
    for (const id of gone) this.tally.lost.push(`${this.inWords(where)}: ${id} is not shown`);
  }

  private inWords(where: string): string {
    const { atRequest, when } = this.fault;
    const request = this.undisturbed.requests[atRequest - 1];
    return `${this.scenario.name}, ${when} request ${atRequest} (${request?.kind} ${request?.path}), ${where}`;
  }
}

/** @returns why the end is none that the change may have; null: it is, or the worker died */
async function toEndOrDeath(run: ChangeRun<SimulatedObjectStore>): Promise<string | null> {
  try {
    return await run.toEnd();
  } catch (error) {
    if (error instanceof WorkerDeath) return null;
    return String(error);
  }
}
