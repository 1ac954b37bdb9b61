import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  SimulatedRepository,
  type CrashPlan,
  type Loss,
} from '../repository/simulated-repository.js';
import type { LiveShare } from '../tree/live-share.js';
import { changeFiles, materialize } from '../tree/live-stores.js';
import { WorkerDeath } from '../workflows/local-server.js';

/** A copy of a real store that is stopped at its storage operations. The invariant: what the copy holds is a store that its tool finds whole, or, of a
 *  first copy, one that its tool does not see at all; and the session that follows completes it. Each makes the store and what is there of the copy
 *  before. */
export const STORE_SCENARIOS = {
  'first copy of a store': async ({ share }) => {
    await share.backUp('one');
    await changeFiles(share.files, 3);
    await share.backUp('two');
  },
  'copy of what was added': async ({ share, copied }) => {
    await share.backUp('one');
    await copied();
    // Borg: the numbers of segments pass 9, so that their names are not in their order.
    for (const name of ['two', 'three']) {
      await changeFiles(share.files, 6);
      await share.backUp(name);
    }
  },
  // An operator has agreed that all of it is sent again.
  'copy to a target that was wiped': async ({ share, copied, target }) => {
    await share.backUp('one');
    await copied();
    await target.removeAll(`${share.tree}/files`);
    await changeFiles(share.files, 3);
    await share.backUp('two');
  },
} satisfies Record<string, (place: StorePlace) => Promise<void>>;

export type StoreScenario = keyof typeof STORE_SCENARIOS;

interface StorePlace {
  readonly share: LiveShare;
  readonly copied: () => Promise<void>;
  readonly target: SimulatedRepository;
}

export interface StoreKills {
  positions: number;
  /** Of these, at how many its tool sees no store. */
  unseen: number;
  readonly faults: string[];
}

/** @param every how many of the operations to stop at
 *  @param ofNames stop only where files of the copy get or lose their names: what lies between leaves the tool what it had
 *  @param cuts power cuts tried after each stop */
export async function killStore(
  share: LiveShare,
  name: StoreScenario,
  { every, ofNames, cuts }: { every: number; ofNames: boolean; cuts: number },
): Promise<StoreKills> {
  const before = new SimulatedRepository('offsite');
  const copied = () => complete(share, before);
  await STORE_SCENARIOS[name]({ share, copied, target: before });
  before.settleAll();
  const judge = new StoreJudge(share);
  const isFirst = (await judge.stateOf(before)) === 'none';
  const isFault = (state: string) => state !== 'whole' && !(isFirst && state === 'none');
  const done = before.clone();
  const isAgreed = name === 'copy to a target that was wiped';
  await complete(share, done, isAgreed);
  const kills: StoreKills = { positions: 0, unseen: 0, faults: [] };
  const end = await judge.stateOf(done);
  if (end !== 'whole') kills.faults.push(`${name}, at its end: ${end}`);
  const operations = done.operations.filter((at) => !ofNames || changesNames(at, share.tree));
  const stops = operations.filter((_, index) => index % every === 0);
  for (const [index, { number, kind }] of stops.entries())
    for (const when of stopsOf(kind, ofNames)) {
      const stopped = before.clone({ crash: { atOperation: number, when } });
      await untilDeath(share, stopped, isAgreed);
      let last = stopped;
      for (const loss of lossesOf(cuts)) {
        last = stopped.restart(loss);
        const state = await judge.stateOf(last);
        kills.positions++;
        if (state === 'none') kills.unseen++;
        const place = `${name}, ${when} ${number} (${kind}), ${JSON.stringify(loss)}`;
        if (isFault(state)) kills.faults.push(`${place}: ${state}`);
      }
      if (index % COMPLETED_EVERY !== 0) continue;
      await complete(share, last, isAgreed);
      if ((await judge.digestOf(last)) !== (await judge.digestOf(done)))
        kills.faults.push(`${name}, ${when} ${number} (${kind}): it is not completed`);
    }
  return kills;
}

/** How many stops there are for one that is followed by another session. */
const COMPLETED_EVERY = 5;

function lossesOf(cuts: number): Loss[] {
  const power = Array.from({ length: cuts }, (_, seed): Loss => ({ kind: 'power', seed }));
  return [{ kind: 'none' }, ...power];
}

function stopsOf(kind: string, ofNames: boolean): CrashPlan['when'][] {
  return kind === 'write' && !ofNames ? ['torn', 'after'] : ['after'];
}

function changesNames(
  { kind, path, to }: SimulatedRepository['operations'][number],
  tree: string,
): boolean {
  const files = `${tree}/files/`;
  return (
    (kind === 'rename' && to!.startsWith(files)) || (kind === 'remove' && path.startsWith(files))
  );
}

async function complete(
  share: LiveShare,
  target: SimulatedRepository,
  isAgreed = false,
): Promise<void> {
  const fault = await share.copy(target, isAgreed).toEnd();
  if (fault !== null) throw new Error(fault);
}

async function untilDeath(
  share: LiveShare,
  target: SimulatedRepository,
  isAgreed: boolean,
): Promise<void> {
  try {
    await share.copy(target, isAgreed).toEnd();
  } catch (error) {
    if (!(error instanceof WorkerDeath)) throw error;
  }
}

/** Asks the tool about each state of the files once. */
class StoreJudge {
  readonly #states = new Map<string, string>();

  constructor(private readonly share: LiveShare) {}

  /** `whole`; `none`: its tool sees no store; otherwise what the tool says is wrong. */
  async stateOf(target: SimulatedRepository): Promise<string> {
    const digest = await this.digestOf(target);
    const known = this.#states.get(digest) ?? (await this.#ask(target));
    this.#states.set(digest, known);
    return known;
  }

  /** Of the names and contents of all files. */
  async digestOf(target: SimulatedRepository): Promise<string> {
    const digest = createHash('sha256');
    for (const [path, bytes] of await this.share.filesOf(target))
      digest.update(`${path}\n${bytes.length}\n`).update(bytes);
    return digest.digest('hex');
  }

  async #ask(target: SimulatedRepository): Promise<string> {
    const { store } = this.share;
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-judge-'));
    try {
      const copy = join(folder, 'copy');
      await materialize(await this.share.filesOf(target), copy);
      await store.check(copy);
      return 'whole';
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return store.seesNone.test(text) ? 'none' : text;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
