import { CHAIN_RECORD_NAME } from '../../../src/chain/chain-paths.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import type { Bucket } from '../repository/simulated-bucket.js';
import { SimulatedObjectStore } from '../repository/simulated-object-store.js';
import type { StoreFault, StoreRequest } from '../repository/store-requests.js';
import type { SimulatedRepository } from '../repository/simulated-repository.js';
import { WorkerDeath } from '../workflows/local-server.js';
import { chainAsText, faultsOfEnd, filesBelow, without } from './chain-end.js';
import { ChangeRun, NOW_MS } from './change-run.js';
import type { KillTally, Outcome } from './kill-tally.js';
import { brokenStore, type Broken } from './store-sabotages.js';
import { faultsOfDigests, readShownPoints, type Reading } from './read-points.js';
import type { Part, Scenario } from './try-positions.js';

export interface RequestEffort {
  /** At every how many requests; 1: all. */
  readonly stride: number;
  /** Where the first request is that is tried; 1 by default. */
  readonly first?: number;
  /** Instead: the process dies, and the next one dies in its turn while it recovers, at every how many of its requests. */
  readonly secondStopStride?: number;
  /** An activity that the scenario is there for: without a request of it nothing would be shown. */
  readonly shows?: string;
  /** Only these ways to go wrong; absent: all. */
  readonly ways?: readonly StoreFault['when'][] | undefined;
  /** A promise that the store of the worker that is hit breaks. */
  readonly broken?: Broken;
  /** Enough is known when the first restore point is lost. */
  readonly untilLost?: boolean;
  /** Only every so many faults, when several processes share the work. */
  readonly part?: Part;
}

interface Undisturbed {
  readonly requests: readonly StoreRequest[];
  /** Activity during which each request was made. */
  readonly steps: readonly string[];
  readonly chain: string;
  readonly files: readonly string[];
  /** Ids of the source points that have a copy before and after. */
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
  tally: KillTally,
): Promise<void> {
  const begun = await storeOf(scenario.target);
  const undisturbed = await runUndisturbed(scenario, begun);
  const { requests, steps } = undisturbed;
  if (effort.shows !== undefined && !steps.includes(effort.shows))
    throw new Error(`${scenario.name}: no request of ${effort.shows} in ${steps.join(', ')}`);
  const part = effort.part ?? { index: 0, count: 1 };
  let number = 0;
  for (let k = effort.first ?? 1; k <= requests.length; k += effort.stride)
    for (const when of waysToFail(requests[k - 1]!)) {
      if (effort.ways?.includes(when) === false) continue;
      const isTwice = effort.secondStopStride !== undefined;
      if (isTwice && !KILLS.includes(when)) continue;
      if (number++ % part.count !== part.index) continue;
      const failure = new Failure(scenario, undisturbed, tally, { atRequest: k, when });
      if (isTwice) await failure.tryTwice(begun, effort.secondStopStride);
      else await failure.tryOnce(begun, effort.broken);
      if (effort.untilLost === true && tally.total.lost > 0) return;
    }
}

const KILLS: readonly StoreFault['when'][] = ['before', 'after', 'late'];

/** Somebody else may have put a commit record in between, whatever the request says of that. */
function waysToFail({ isConditional, path, kind }: StoreRequest): StoreFault['when'][] {
  const ways: StoreFault['when'][] = ['before', 'after', 'unanswered', 'late'];
  if (isConditional) ways.push('lostRace');
  const isOfRecord = kind === 'put' && path.endsWith(`/${CHAIN_RECORD_NAME}`);
  if (isConditional || isOfRecord) ways.push('overtaken', 'overtakenKilled');
  return ways;
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
  const run = begin(scenario, store, 1);
  const steps = notedSteps(run);
  const wrongEnd = await run.toEnd();
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
    steps,
    chain: await chainAsText(store, scenario.chain),
    files: await filesBelow(store, scenario.chain),
    staying: before.shownSources.filter((id) => after.shownSources.includes(id)),
  };
}

function notedSteps({ target: { operations }, worker }: StoreRun): readonly string[] {
  const steps: string[] = [];
  const push = operations.push.bind(operations);
  operations.push = (...added) => {
    for (const { number } of added) steps[number - 1] = worker.activity;
    return push(...added);
  };
  return steps;
}

type StoreRun = ChangeRun<SimulatedObjectStore>;

function begin(
  { change, source }: Scenario,
  store: SimulatedObjectStore,
  number: number,
  seen: BackupRepository = store,
): StoreRun {
  // A session waits before it asks again: the next one begins later.
  const nowMs = NOW_MS + (number - 1) * 10 * 60_000;
  return ChangeRun.begin(change, source, store, { number, seen, nowMs });
}

/** One request that goes wrong in one way, with all that may follow. */
class Failure {
  /** Ids of the source points that have a copy when whoever has overtaken is done. */
  private shownMeanwhile: readonly string[] = [];
  private wrongMeanwhile: string | null = null;

  constructor(
    private readonly scenario: Scenario,
    private readonly undisturbed: Undisturbed,
    private readonly tally: KillTally,
    private readonly fault: StoreFault,
  ) {}

  async tryOnce(begun: SimulatedObjectStore, broken?: Broken): Promise<void> {
    const meanwhile = (bucket: Bucket) => this.overtake(new SimulatedObjectStore(begun.id, bucket));
    const store = begun.clone({ ...this.fault, meanwhile });
    const run = begin(this.scenario, store, 1, broken && brokenStore(store, broken));
    await toEndOrDeath(run);
    for (const landsAfter of this.fault.when === 'late' ? LATE : NEVER_LATE)
      for (const by of store.isCrashed ? RECOVERIES : (['next'] as const))
        await this.recover(run, {
          ...{ by, landsAfter, number: 3, stop: this.fault.when },
          where: landingText(by, landsAfter),
        });
  }

  /** The next session takes the chain over and does all there is to do, while the one that was tried still waits for an answer. What it leaves has to stay. */
  private async overtake(store: SimulatedObjectStore): Promise<void> {
    this.wrongMeanwhile = await toEndOrDeath(begin(this.scenario, store, 2));
    this.shownMeanwhile = (await this.read(store, this.scenario.damaged)).shownSources;
  }

  /** The process dies, the next one dies while it recovers, and a third session takes over. */
  async tryTwice(begun: SimulatedObjectStore, stride: number): Promise<void> {
    const run = begin(this.scenario, begun.clone(this.fault), 1);
    await toEndOrDeath(run);
    for (const by of RECOVERIES) {
      const undisturbed = this.recovery(run, { by, landsAfter: 0, number: 3 });
      await toEndOrDeath(undisturbed);
      const { length } = undisturbed.target.operations;
      for (let j = 1; j <= length; j += stride)
        for (const when of ['after', 'late'] as const) {
          const fault = { atRequest: j, when };
          const again = this.recovery(run, { by, landsAfter: 0, number: 3 }, fault);
          await toEndOrDeath(again);
          for (const landsAfter of when === 'late' ? LATE : NEVER_LATE)
            await this.recover(again, {
              ...{ by: 'next', landsAfter, number: 5, stop: 'twice' },
              where: `${by} session died ${when} its request ${j}, ${landingText('next', landsAfter)}`,
            });
        }
    }
  }

  private recovery(
    stopped: StoreRun,
    { by, landsAfter, number }: Pick<Recovery, 'by' | 'landsAfter' | 'number'>,
    fault: StoreFault | null = null,
  ): StoreRun {
    const store = stopped.target.restart(landsAfter, fault);
    return by === 'same' ? stopped.withNewWorker(store) : begin(this.scenario, store, number);
  }

  /** A session that meets a write of somebody else may end with a warning of it: then the next one has to do the rest. */
  private async recover(stopped: StoreRun, recovery: Recovery): Promise<void> {
    const { scenario, undisturbed, tally } = this;
    const before = await this.read(stopped.target.restart(0), scenario.damaged);
    const run = this.recovery(stopped, recovery);
    await toEndOrDeath(run);
    const after = await this.read(run.target, scenario.damaged);
    const last = begin(scenario, run.target.settled(), recovery.number + 2);
    const wrongEnd = await toEndOrDeath(last);
    const end = await this.read(last.target, []);
    const readings = [before, after, end];
    const wrongEnds = [this.wrongMeanwhile, wrongEnd].filter((text) => text !== null);
    tally.add({
      scenario: scenario.name,
      step: undisturbed.steps[this.fault.atRequest - 1] ?? '',
      stop: recovery.stop,
      loss: 'none',
      pointsRead: readings.reduce((sum, { shown }) => sum + shown.length, 0),
      isWitnessed: false,
      lost: readings.map(({ faults }) => faults),
      wrong: [...wrongEnds, ...(await this.wrongIn(last.target))],
      bytesRedone: 0,
      where: this.inWords(recovery.where),
    });
  }

  /** What is not as if nothing had happened. */
  private async wrongIn(store: SimulatedObjectStore): Promise<string[]> {
    const { scenario, undisturbed } = this;
    const wrong = await faultsOfDigests(store, scenario);
    const chain = await chainAsText(store, scenario.chain);
    if (chain !== undisturbed.chain) wrong.push(`the record is ${chain}`);
    const files = await filesBelow(store, scenario.chain);
    const surplus = without(files, undisturbed.files);
    const missing = without(undisturbed.files, files);
    if (surplus.length > 0) wrong.push(`left over: ${surplus.join(', ')}`);
    if (missing.length > 0) wrong.push(`missing: ${missing.join(', ')}`);
    return wrong;
  }

  private async read(store: SimulatedObjectStore, unread: readonly string[]): Promise<Reading> {
    const reading = await readShownPoints(store.clone(), this.scenario, unread);
    const gone = [...new Set([...this.undisturbed.staying, ...this.shownMeanwhile])]
      .filter((id) => !reading.shownSources.includes(id))
      .map((pointId) => ({ pointId, text: 'is not shown any more' }));
    return { ...reading, faults: [...reading.faults, ...gone] };
  }

  private inWords(where: string): string {
    const { atRequest, when } = this.fault;
    const request = this.undisturbed.requests[atRequest - 1];
    return `${this.scenario.name}, ${when} request ${atRequest} (${request?.kind} ${request?.path}), ${where}`;
  }
}

const RECOVERIES = ['same', 'next'] as const;

interface Recovery {
  /** The session that goes on with another worker, or the next one. */
  readonly by: (typeof RECOVERIES)[number];
  /** How many requests of the recovery come before the one that was under way. */
  readonly landsAfter: number;
  /** Of the session; the one behind it has a higher one. */
  readonly number: number;
  readonly stop: Outcome['stop'];
  readonly where: string;
}

function landingText(by: Recovery['by'], landsAfter: number): string {
  return `${by} session, lands after ${landsAfter}`;
}

/** @returns why the end is none that the change may have; null: it is, or the worker died */
async function toEndOrDeath(run: StoreRun): Promise<string | null> {
  try {
    return await run.toEnd();
  } catch (error) {
    if (error instanceof WorkerDeath) return null;
    return String(error);
  }
}
