import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import type {
  CrashPlan,
  Loss,
  SimulatedRepository,
  SimulationOptions,
  StorageOperation,
} from '../repository/simulated-repository.js';
import { WorkerDeath } from '../workflows/local-server.js';
import { ChangeRun, type Change } from './change-run.js';
import { chainAsText, faultsOfEnd, filesBelow, without, type ChainEnd } from './chain-end.js';
import type { KillTally } from './kill-tally.js';
import { qemuFaults } from './qemu-witness.js';
import {
  faultsOfDigests,
  readShownPoints,
  type ChainUnderTest,
  type Reading,
} from './read-points.js';

/** One change of a chain that is stopped at every one of its storage operations. */
export interface Scenario extends ChainUnderTest {
  readonly name: string;
  readonly source: SimulatedRepository;
  /** Before the change; everything in it is durable. */
  readonly target: SimulatedRepository;
  /** Points that read wrong until the change is done, because it is there to heal them. */
  readonly damaged: readonly string[];
  /** Points that must be left, where it is the change that decides it. */
  readonly end?: ChainEnd;
  /** Done again after it was stopped, or after it was done, it ends in the same state. */
  readonly change: Change;
}

export interface Effort {
  /** Power cuts tried in each state that a stop leaves: each loses another part of what was not synced. */
  readonly powerCuts: number;
  /** Every how many operations; 1: all. */
  readonly stride: number;
  /** Every how many operations qemu-img looks too, before and after recovery; 0: never. */
  readonly witnessStride: number;
  /** Instead: the process is killed, and the next one is stopped in its turn while it recovers, at every how many of its operations. */
  readonly secondStopStride?: number;
  /** Only stops during these activities. */
  readonly within?: readonly string[];
  readonly sabotage?: Sabotage;
  /** Enough is known when the first restore point is lost. */
  readonly untilLost?: boolean;
  /** Only every so many positions, when several processes share the work. */
  readonly part?: Part;
}

/** `index` from 0 to `count - 1`. */
export interface Part {
  readonly index: number;
  readonly count: number;
}

/** Breaks one promise on purpose in the process that is stopped: a sync that is left out, or a step that is done too late. */
export interface Sabotage {
  readonly options?: SimulationOptions;
  readonly wrap?: (repository: SimulatedRepository) => BackupRepository;
}

/** What the scenario comes to when nothing stops it. */
interface Undisturbed {
  readonly operations: readonly StorageOperation[];
  /** Activity during which each storage operation happened. */
  readonly steps: readonly string[];
  readonly bytes: number;
  readonly chain: string;
  /** As `filesBelow` gives them. */
  readonly files: readonly string[];
  /** Ids of the source points that have a copy before and after: they must have one at any time. */
  readonly staying: readonly string[];
}

/** The session that goes on with another worker, or the next one: who recovers from a stop. */
type Recovery = 'same session' | 'next session';
const MAX_POWER_CUTS = 100;

/** Stops the scenario at its operations one after the other, in every way, and counts what became of the restore points. */
export async function tryPositions(
  scenario: Scenario,
  effort: Effort,
  tally: KillTally,
): Promise<void> {
  const undisturbed = await runUndisturbed(scenario);
  const part = effort.part ?? { index: 0, count: 1 };
  const count = Math.ceil(undisturbed.operations.length / effort.stride);
  const operations = Array.from({ length: count }, (_, index) => 1 + index * effort.stride);
  // What was not made durable is missed most by what came last.
  if (effort.untilLost === true) operations.reverse();
  const isTried = (k: number): boolean =>
    (k - 1) % effort.stride === 0 &&
    k >= 1 &&
    k <= undisturbed.operations.length &&
    effort.within?.includes(undisturbed.steps[k - 1] ?? '') !== false;
  // A promise that is broken on purpose may do things in another order.
  const hasTwins = effort.sabotage === undefined;
  let number = 0;
  for (const k of operations) {
    if (!isTried(k)) continue;
    for (const when of waysToStop(undisturbed.operations[k - 1])) {
      if (hasTwins && when === 'before' && isTried(k - 1)) continue;
      if (number++ % part.count !== part.index) continue;
      const hasTwin = hasTwins && when === 'after' && isTried(k + 1);
      const position = new Position(scenario, effort, tally, undisturbed, {
        ...{ atOperation: k, when },
        ...{ hasTwin },
      });
      if (effort.secondStopStride === undefined) await position.stopOnce();
      else await position.stopTwice(effort.secondStopStride);
      if (effort.untilLost === true && tally.total.lost > 0) return;
    }
  }
}

/** After a kill both are tried: what was written is there for the one and the other, durable or not. */
function recoveriesFrom(loss: Loss): readonly Recovery[] {
  if (loss.kind === 'none') return ['same session', 'next session'];
  return [loss.seed % 2 === 1 ? 'same session' : 'next session'];
}

function waysToStop(operation: StorageOperation | undefined): CrashPlan['when'][] {
  return operation?.kind === 'write' ? ['before', 'torn', 'after'] : ['before', 'after'];
}

async function runUndisturbed(scenario: Scenario): Promise<Undisturbed> {
  const target = scenario.target.clone();
  const before = await readShownPoints(target, scenario, scenario.damaged);
  const run = beginSession(scenario, target, 1);
  const steps: string[] = [];
  noteSteps(run, steps);
  const wrongEnd = await run.toEnd();
  const after = await readShownPoints(target, scenario);
  const faults = [
    ...[...before.faults, ...after.faults].map(({ pointId, text }) => `${pointId} ${text}`),
    ...(await faultsOfDigests(target, scenario)),
    ...(wrongEnd === null ? [] : [wrongEnd]),
  ];
  faults.push(...(await faultsOfEnd(target, scenario, scenario.end, after.shown)));
  if (faults.length > 0) throw new Error(`${scenario.name}, never stopped: ${faults.join('; ')}`);
  return {
    operations: target.operations,
    steps,
    bytes: bytesWritten(target),
    chain: await chainAsText(target, scenario.chain),
    files: await filesBelow(target, scenario.chain),
    staying: before.shownSources.filter((id) => after.shownSources.includes(id)),
  };
}

function beginSession(
  { change, source }: Scenario,
  target: SimulatedRepository,
  number: number,
  seen?: BackupRepository,
): ChangeRun {
  return ChangeRun.begin(change, source, target, { number, seen });
}

function noteSteps({ target: { operations }, worker }: ChangeRun, steps: string[]): void {
  const push = operations.push.bind(operations);
  operations.push = (...added) => {
    for (const { number } of added) steps[number - 1] = worker.activity;
    return push(...added);
  };
}

/** Until the worker dies, or to the end. */
async function runUntilStopped(run: ChangeRun): Promise<ChangeRun> {
  try {
    await run.toEnd();
  } catch (error) {
    if (!(error instanceof WorkerDeath)) throw error;
  }
  return run;
}

/** One place at which the scenario is stopped, with every loss that may follow. */
class Position {
  private readonly where: string;
  private readonly step: string;

  constructor(
    private readonly scenario: Scenario,
    private readonly effort: Effort,
    private readonly tally: KillTally,
    private readonly undisturbed: Undisturbed,
    private readonly crash: CrashPlan & { readonly hasTwin: boolean },
  ) {
    const { atOperation, when } = crash;
    this.step = undisturbed.steps[atOperation - 1] ?? '';
    const operation = inWords(undisturbed.operations[atOperation - 1]);
    this.where = `${scenario.name}, stopped ${when} operation ${atOperation} (${this.step}: ${operation})`;
  }

  /** The process is killed or the power fails. Then the same session goes on, or the next one takes over. */
  async stopOnce(): Promise<void> {
    const stopped = await this.stopped();
    const bytesBefore = bytesWritten(stopped.target, this.crash);
    for (const loss of this.losses())
      for (const by of recoveriesFrom(loss)) {
        const survivor = stopped.target.restart(loss);
        await this.recover(stopped, survivor, { by, loss, bytesBefore, how: this.crash.when });
      }
  }

  /** The process is killed, and while the next one recovers, it is killed or the power fails. Then a third session takes over. */
  async stopTwice(stride: number): Promise<void> {
    const stopped = await this.stopped();
    for (const by of ['same session', 'next session'] as const) {
      const goOn = (target: SimulatedRepository) =>
        runUntilStopped(this.recovery(stopped, target, by, 2));
      const undisturbed = await goOn(stopped.target.restart({ kind: 'none' }));
      const { operations } = undisturbed.target;
      for (let j = 1; j <= operations.length; j += stride) {
        const crash = { atOperation: j, when: 'after' } as const;
        const again = await goOn(stopped.target.restart({ kind: 'none' }, { crash }));
        const detail = `, ${by} stopped after its operation ${j} (${inWords(operations[j - 1])})`;
        const bytesBefore = bytesWritten(stopped.target, this.crash) + bytesWritten(again.target);
        for (const loss of this.losses())
          await this.recover(again, again.target.restart(loss), {
            by: 'next session',
            loss,
            bytesBefore,
            how: 'twice',
            detail,
          });
      }
    }
  }

  private stopped(): Promise<ChangeRun> {
    const { scenario, effort, crash } = this;
    const target = scenario.target.clone({ ...effort.sabotage?.options, crash });
    return runUntilStopped(beginSession(scenario, target, 1, effort.sabotage?.wrap?.(target)));
  }

  private recovery(
    stopped: ChangeRun,
    target: SimulatedRepository,
    by: Recovery,
    number: number,
  ): ChangeRun {
    if (by === 'same session') return stopped.withNewWorker(target);
    return beginSession(this.scenario, target, number);
  }

  /** Other power cuts for each stop. What a stop after an operation leaves, its twin before the next one leaves too: where both could be tried the one
   *  after is, with the cuts of both; where only one of them can be, it has half of them. */
  private losses(): Loss[] {
    const { atOperation, when, hasTwin } = this.crash;
    const first = (atOperation * 2 + (when === 'after' ? 1 : 0)) * MAX_POWER_CUTS;
    const { powerCuts } = this.effort;
    const length = when === 'torn' || hasTwin ? powerCuts : Math.ceil(powerCuts / 2);
    const cuts = Array.from({ length }, (_, index) => first + index);
    return [{ kind: 'none' }, ...cuts.map((seed) => ({ kind: 'power', seed }) as const)];
  }

  private async recover(
    stopped: ChangeRun,
    survivor: SimulatedRepository,
    stop: {
      readonly by: Recovery;
      readonly loss: Loss;
      readonly bytesBefore: number;
      readonly how: CrashPlan['when'] | 'twice';
      readonly detail?: string;
    },
  ): Promise<void> {
    const { scenario, tally, undisturbed } = this;
    const isWitnessed = this.isWitnessed();
    const before = await this.read(survivor, {
      unread: scenario.damaged,
      isWitnessed: isWitnessed && scenario.damaged.length === 0,
      mayLeak: true,
    });
    const next = survivor.clone();
    const isPowerCut = stop.loss.kind === 'power';
    const wrong = await this.doAgain(this.recovery(stopped, next, stop.by, 3), isPowerCut);
    const merges = undisturbed.steps.includes('mergeIncrement');
    const mayLeak = merges && stop.loss.kind === 'power';
    const after = await this.read(next, { unread: [], isWitnessed, mayLeak });
    // What the next session found written need not have been durable.
    const later = stop.loss.kind === 'power' ? null : await this.readAfterPowerCut(next);
    tally.add({
      scenario: scenario.name,
      step: this.step,
      stop: stop.how,
      loss: stop.loss.kind,
      pointsRead: before.shown.length + after.shown.length + (later?.shown.length ?? 0),
      isWitnessed,
      lost: [before.faults, after.faults, later?.faults ?? []],
      wrong,
      bytesRedone: Math.max(0, stop.bytesBefore + bytesWritten(next) - undisturbed.bytes),
      where: `${this.where}${stop.detail ?? ''}, ${lossInWords(stop.loss)}`,
    });
  }

  /** The change is done and its record written: a power cut must take nothing of it any more. */
  private readAfterPowerCut(target: SimulatedRepository): Promise<Reading> {
    const cut = target.restart({ kind: 'power', seed: this.crash.atOperation });
    return this.read(cut, { unread: [], isWitnessed: false, mayLeak: true });
  }

  /** Recovery and the change to its end. @returns what is not as if it had never been stopped */
  private async doAgain(run: ChangeRun, isPowerCut: boolean): Promise<string[]> {
    const { scenario, undisturbed } = this;
    const { target } = run;
    const wrong: string[] = [];
    try {
      const wrongEnd = await run.toEnd();
      if (wrongEnd !== null) wrong.push(wrongEnd);
    } catch (error) {
      wrong.push(`${run.worker.activity} after the restart: ${String(error)}`);
    }
    const chain = await chainAsText(target, scenario.chain);
    if (chain !== undisturbed.chain) wrong.push(`the record is ${chain}`);
    const files = await filesBelow(target, scenario.chain);
    let surplus = without(files, undisturbed.files);
    if (isPowerCut) surplus = await this.staysAfterNextSession(target, surplus);
    const missing = without(undisturbed.files, files);
    if (surplus.length > 0) wrong.push(`left over: ${surplus.join(', ')}`);
    if (missing.length > 0) wrong.push(`missing: ${missing.join(', ')}`);
    return [...wrong, ...(await faultsOfDigests(target, scenario))];
  }

  /** A power cut may bring back what was removed and needs no sync: a lease has its time, and the next session clears the staging folder. */
  private async staysAfterNextSession(
    target: SimulatedRepository,
    surplus: readonly string[],
  ): Promise<string[]> {
    const stays = surplus.filter((path) => !path.includes('/.leases/'));
    if (!stays.some((path) => path.includes('/.staging/'))) return stays;
    const later = target.clone();
    await beginSession(this.scenario, later, 4).toEnd();
    const files = await filesBelow(later, this.scenario.chain);
    return stays.filter((path) => files.includes(path));
  }

  private isWitnessed(): boolean {
    const { witnessStride } = this.effort;
    return witnessStride > 0 && (this.crash.atOperation - 1) % witnessStride === 0;
  }

  /** All points that are shown, and whether those that nobody asked to remove are among them. */
  private async read(
    target: SimulatedRepository,
    look: {
      readonly unread: readonly string[];
      readonly isWitnessed: boolean;
      readonly mayLeak: boolean;
    },
  ): Promise<Reading> {
    const { scenario, undisturbed } = this;
    const reading = await readShownPoints(target, scenario, look.unread);
    const { shownSources, faults } = reading;
    const gone = undisturbed.staying
      .filter((id) => !shownSources.includes(id))
      .map((pointId) => ({ pointId, text: 'is not shown any more' }));
    // What our own reader cannot open, qemu-img need not be asked about.
    const isSound = faults.length === 0 && gone.length === 0;
    const seen =
      look.isWitnessed && isSound ? await qemuFaults(target, scenario, look.mayLeak) : [];
    return { ...reading, faults: [...faults, ...gone, ...seen] };
  }
}

function inWords(operation: StorageOperation | undefined): string {
  if (operation === undefined) return 'none';
  const { kind, path, to } = operation;
  return to === undefined ? `${kind} ${path}` : `${kind} ${path} to ${to}`;
}

function lossInWords(loss: Loss): string {
  return loss.kind === 'none' ? 'process killed' : `power cut ${loss.seed}`;
}

/** @param crash the last operation counts as far as it was done */
function bytesWritten({ operations }: SimulatedRepository, crash?: CrashPlan): number {
  let sum = 0;
  for (const { kind, number, length } of operations) {
    if (kind !== 'write') continue;
    const share = number === crash?.atOperation ? SHARE_DONE[crash.when] : 1;
    sum += (length ?? 0) * share;
  }
  return Math.round(sum);
}

const SHARE_DONE = { before: 0, torn: 0.5, after: 1 } as const;
