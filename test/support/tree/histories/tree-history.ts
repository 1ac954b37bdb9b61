import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { sessionWorkflowId } from '../../../../src/domain/sessions/copy-session.js';
import { restorePointKey } from '../../../../src/domain/targets/repository-view.js';
import { folderRepositoryId } from '../../../../src/repository/open-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { parentFolder } from '../../../../src/repository/repository-path.js';
import {
  WORKFLOW_COPY_SESSION,
  type CopySessionInput,
  type CopySessionOutcome,
} from '../../../../workflows/messages.js';
import { SeededRandom } from '../../fuzz/seeded-random.js';
import {
  SimulatedRepository,
  type CrashPlan,
  type Loss,
} from '../../repository/simulated-repository.js';
import { testJob } from '../../session/test-site.js';
import { LocalServer, WorkerDeath } from '../../workflows/local-server.js';
import { InProcessWorker } from '../../workflows/local-worker.js';
import { WRITTEN_ROOT } from '../toy-trees.js';
import { filesBelow } from '../tree-world.js';
import { LocalSessions } from '../../workflows/local-sessions.js';
import { CopyJudge } from './copy-judge.js';
import { SourceFiles } from './source-files.js';
import {
  DatabaseTool,
  StoreTool,
  type Disaster,
  type SourceTool,
  type Steps,
  type ToolOperation,
} from './source-tools.js';

/** `written`: a store whose data are written once, and not told to be immutable. */
export type TreeKind = 'store' | 'written' | 'sets';

/** Something that happens to a source and its copy. Numbers are taken as far as there is something to be chosen from. */
export type TreeEvent =
  | { readonly type: 'tool'; readonly operation: ToolOperation; readonly seed: number }
  | {
      readonly type: 'disaster';
      readonly disaster: Disaster;
      /** What happens to the session that meets it, whatever the copy was like before. null: the copy was settled, and nothing does. */
      readonly amid: TreeSession | null;
    }
  | { readonly type: 'loss'; readonly how: CopyLoss; readonly seed: number }
  | { readonly type: 'list'; readonly how: ListDamage; readonly seed: number }
  | { readonly type: 'missing'; readonly isListing: boolean; readonly seed: number }
  | { readonly type: 'days'; readonly count: number }
  | { readonly type: 'session'; readonly session: TreeSession };

/** What somebody does to a file of the copy. */
export type CopyLoss = 'removed' | 'cut' | 'longer';

/** What becomes of a list of a session that was stopped. */
export type ListDamage = 'removed' | 'emptied' | 'cut' | 'overwritten';

export interface TreeSession {
  /** What the tool does while the session reads: a step at every so many calls. */
  readonly during: {
    readonly operation: ToolOperation;
    readonly seed: number;
    readonly everyCalls: number;
  } | null;
  /** By how much the clock of the worker is wrong. */
  readonly clockHours: number;
  readonly stops: readonly TreeStop[];
  readonly fault: TreeFault | null;
}

interface TreeStop extends CrashPlan {
  readonly loss: Loss;
  /** The same session goes on with another worker; otherwise nobody does, until the next session. */
  readonly goesOn: boolean;
}

/** `unreadable`, `denied`: one file of the source cannot be read, or may not be. `folder`: one of its folders may not be looked into. `io`, `full`: one call of the target fails, once. */
export interface TreeFault {
  readonly kind: 'unreadable' | 'denied' | 'folder' | 'io' | 'full';
  readonly at: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of sets, fulls: there is one for each day. */
const KEPT_POINTS = 4;

/** A source and its copy, from one event to the next. */
export class TreeHistory {
  readonly files: SourceFiles;
  readonly tool: SourceTool;
  readonly judge: CopyJudge;
  readonly job: CopyJob;
  readonly tree: string;
  target = new SimulatedRepository('offsite');
  /** What happened, for whoever reads of a fault. */
  readonly log: string[] = [];
  #sessions = 0;
  #running: Steps | null = null;
  #wasClockAhead = false;

  private constructor(readonly kind: TreeKind) {
    const isSets = kind === 'sets';
    this.files = new SourceFiles(isSets ? 'db' : kind === 'store' ? 'store' : WRITTEN_ROOT);
    this.tool = isSets ? new DatabaseTool(this.files) : new StoreTool(this.files);
    this.job = testJob({
      transactionLogs: true,
      retention: { type: isSets ? 'days' : 'restorePoints', value: KEPT_POINTS },
    });
    const platform = isSets ? 'toysets' : 'toy';
    this.tree = chainFolder(this.job.id, `${platform}:${this.files.root}`);
    this.judge = new CopyJudge(this.tool, isSets ? 'sets' : 'store', this.tree, KEPT_POINTS);
  }

  static async begin(kind: TreeKind): Promise<TreeHistory> {
    const history = new TreeHistory(kind);
    await history.tool.begin();
    return history;
  }

  async happen(event: TreeEvent): Promise<void> {
    switch (event.type) {
      case 'tool':
        await this.#allOf(this.tool.work(event.operation, new SeededRandom(event.seed)));
        return;
      case 'days':
        this.files.trueMs += event.count * DAY_MS;
        return;
      case 'session':
        return this.#session(event.session);
      case 'loss':
        return this.#lose(event.how, new SeededRandom(event.seed));
      case 'list':
        return this.#damageList(event.how, new SeededRandom(event.seed));
      case 'missing':
        return this.#miss(event.isListing, new SeededRandom(event.seed));
      case 'disaster':
        return event.amid === null
          ? this.#disaster(event.disaster)
          : this.#disasterAmid(event.disaster, event.amid);
    }
  }

  /** When the tool rests and all storage works, a session makes the copy whole, and the next one finds nothing to do. */
  async end(): Promise<void> {
    // Who has nothing to copy does not look at the copy.
    if (this.judge.hasLost)
      await this.#allOf(this.tool.work('backUp', new SeededRandom(this.#sessions)));
    await this.#agreed(QUIET);
    const outcome = await this.#agreed(QUIET);
    this.judge.isIdle(
      outcome,
      this.target.operations
        .filter(({ path }) => path.startsWith(this.tree))
        .map(({ path }) => path),
    );
    await this.judge.nothingIsLeft(this.target);
  }

  /** So few are gone at once that nobody takes the copy for one that is not mounted. */
  async #lose(how: CopyLoss, random: SeededRandom): Promise<void> {
    const copied = await this.judge.copied(this.target);
    const paths = [...copied.keys()].filter((path) => this.judge.canLose(path, copied)).sort();
    if (paths.length === 0) return;
    const path = random.oneOf(paths);
    const bytes = copied.get(path)!;
    const length = how === 'cut' ? random.below(bytes.length || 1) : bytes.length + 7;
    const left = how === 'removed' ? null : Buffer.alloc(length);
    if (left !== null) bytes.copy(left);
    // Of an empty file there is nothing to cut.
    if (left !== null && left.length === bytes.length) return;
    const name = `${this.tree}/files/${path}`;
    // A stop that the last session did not come to is none of what happens behind it.
    this.target = this.target.clone({});
    if (left === null) await this.target.remove(name);
    else await this.target.put(name, left);
    this.judge.lose(path, left);
  }

  /** Of a session that was stopped. A plan that is missing is one of a session that has ended. */
  async #damageList(how: ListDamage, random: SeededRandom): Promise<void> {
    const staging = `${this.tree}/.staging`;
    const left = await filesBelow(this.target, staging);
    if (!left.has('plan.json')) return;
    const lists = [...left.keys()].filter((name) => !name.includes('/'));
    const name = random.oneOf(lists.filter((each) => how !== 'removed' || each !== 'plan.json'));
    const bytes = left.get(name)!;
    this.target = this.target.clone({});
    if (how === 'removed') await this.target.remove(`${staging}/${name}`);
    else {
      const length = how === 'emptied' ? 0 : how === 'cut' ? random.below(bytes.length || 1) : null;
      const damaged =
        length === null ? Buffer.alloc(bytes.length, 0xff) : bytes.subarray(0, length);
      await this.target.put(`${staging}/${name}`, damaged);
    }
    this.log.push(`${name} was ${how}`);
    await this.judge.atAnyInstant(this.target);
  }

  /** A store loses a file that its tool did not remove, or does not list it for days: the copy keeps it. While clocks are ahead, or an index has just gone, nothing tells that. */
  async #miss(isListing: boolean, random: SeededRandom): Promise<void> {
    if (this.kind === 'sets' || this.#wasClockAhead) return;
    await this.#agreed(QUIET);
    await this.#allOf(this.tool.work('backUp', random));
    await this.#agreed(QUIET);
    const copied = await this.judge.copied(this.target);
    const [bytesOf, { repository, root }] = [(path: string) => this.files.now(path)!, this.files];
    const paths = this.files.paths.filter(
      (path) => path.startsWith('data/') && copied.get(path)?.equals(bytesOf(path)) === true,
    );
    if (paths.length === 0) return;
    const path = random.oneOf(paths.sort());
    const { list } = repository;
    // The judge does not hear of it: to it the source has the file.
    if (!isListing) await repository.remove(`${root}/${path}`);
    else
      repository.list = async (folder) =>
        (await list.call(repository, folder)).filter((entry) => entry.path !== `${root}/${path}`);
    for (let look = 0; look < 3; look++) {
      this.files.trueMs += 2 * DAY_MS;
      await this.#run(QUIET, false);
      if ((await this.judge.copied(this.target)).get(path)?.equals(bytesOf(path)) !== true)
        throw new Error(`${path} went from the copy because its source did not show it`);
    }
    repository.list = list;
    // Put back it was written to, although its kind never is: the product counts that, and so does the judge.
    if (!isListing) await this.files.write(path, bytesOf(path));
    await this.#agreed(QUIET);
  }

  /** Quiet sessions go as far as an operator takes them. */
  async #agreed(session: TreeSession): Promise<CopySessionOutcome> {
    const outcome = await this.#run(session, false);
    if (outcome?.result !== 'actionRequired') return outcome!;
    this.judge.isAlarmRight(outcome);
    return (await this.#run(session, true))!;
  }

  async #session(session: TreeSession): Promise<void> {
    const outcome = await this.#run(session, false);
    if (outcome?.result !== 'actionRequired') return;
    this.judge.isAlarmRight(outcome);
    await this.#run(QUIET, true);
  }

  /** The source is lost, a session must leave the copy as it is, and then somebody puts back what was there. */
  async #disaster(disaster: Disaster): Promise<void> {
    await this.#agreed(QUIET);
    const before = new Map(this.files.paths.map((path) => [path, this.files.now(path)!]));
    const wasThere = await this.judge.copied(this.target);
    await this.#allOf(this.tool.work(disaster, new SeededRandom(1)));
    const outcome = await this.#run(QUIET, false);
    await this.judge.isUntouched(outcome!, wasThere, this.target);
    for (const path of this.files.paths) if (!before.has(path)) await this.files.remove(path);
    for (const [path, bytes] of before)
      if (this.files.now(path)?.equals(bytes) !== true) await this.files.write(path, bytes);
    await this.#agreedToRemains();
  }

  /** Of what somebody removed by hand no index of the tool tells: it is warned of until an operator says that it was meant. */
  async #agreedToRemains(): Promise<void> {
    const { result } = await this.#agreed(QUIET);
    if (result === 'warning') await this.#run(QUIET, true);
  }

  /** The same whatever has happened before, and while the session that meets it is stopped or cannot read or write: what was good in the copy is not
   *  lost by the many before an operator has agreed. */
  async #disasterAmid(disaster: Disaster, amid: TreeSession): Promise<void> {
    const before = new Map(this.files.paths.map((path) => [path, this.files.now(path)!]));
    const wasThere = await this.judge.copied(this.target);
    await this.#allOf(this.tool.work(disaster, new SeededRandom(1)));
    for (const session of [{ ...amid, during: null }, QUIET]) {
      await this.#run(session, false);
      await this.judge.isSpared(wasThere, this.target);
    }
    for (const path of this.files.paths) if (!before.has(path)) await this.files.remove(path);
    for (const [path, bytes] of before)
      if (this.files.now(path)?.equals(bytes) !== true) await this.files.write(path, bytes);
    await this.#agreedToRemains();
  }

  async #allOf(steps: Steps): Promise<void> {
    for await (const _ of steps) continue;
  }

  /** @returns null: nobody goes on with it */
  async #run(session: TreeSession, acceptChanges: boolean): Promise<CopySessionOutcome | null> {
    this.#sessions++;
    this.#wasClockAhead ||= session.clockHours > 0;
    this.files.trueMs += HOUR_MS;
    const nowMs = this.files.trueMs + session.clockHours * HOUR_MS;
    const start = this.judge.begin(session);
    if (session.during !== null)
      this.#running = this.tool.work(
        session.during.operation,
        new SeededRandom(session.during.seed),
      );
    const unhook = this.#hook(session);
    let outcome: CopySessionOutcome | null = null;
    try {
      outcome = await this.#stopped(session, nowMs, { acceptChanges });
    } finally {
      unhook();
    }
    if (this.#running !== null) await this.#allOf(this.#running);
    this.#running = null;
    this.log.push(`session ${this.#sessions}: ${outcome?.result ?? 'stopped'}`);
    const hadWork = this.target.operations.some(
      ({ to }) => to === `${this.tree}/.staging/plan.json`,
    );
    await this.judge.judge(this.target, outcome, start, { ...session, hadWork }, acceptChanges);
    // Where something was not copied, a copy is least what its source is.
    if (this.kind !== 'sets' && outcome?.result !== 'success' && !this.judge.hasLost)
      await this.#restoresRight();
    return outcome;
  }

  /** The newest point that the source still shows, from a copy of the copy. */
  async #restoresRight(): Promise<void> {
    const record = await readTreeRecord(this.target, this.tree);
    const point = record?.points.findLast(
      ({ goneSince, health }) => goneSince === undefined && health === 'good',
    );
    if (record === null || point === undefined) return;
    // The activity makes sure that a folder is there; what is in it is simulated.
    const destinationPath = '/tmp';
    const folder = new SimulatedRepository(folderRepositoryId(destinationPath));
    const key = restorePointKey([record.jobId, record.workload.id, point.id]);
    const order = { repositoryId: 'offsite', restorePointId: key, destinationPath };
    const sessions = new LocalSessions([this.target.clone({}), folder]);
    const { result, reason } = await sessions.restore(
      { ...order, format: 'same' },
      this.files.trueMs,
    );
    if (result !== 'success')
      throw new Error(`a restore of ${point.id} ends as ${result}: ${reason}`);
    this.judge.isClosed(point.source.restorePointId, await filesBelow(folder, ''));
  }

  async #stopped(
    { stops, fault }: TreeSession,
    nowMs: number,
    overrides: CopySessionInput['overrides'],
  ): Promise<CopySessionOutcome | null> {
    const id = sessionWorkflowId(this.job.id, nowMs + this.#sessions);
    const left = [...stops];
    const next = left.shift();
    this.target = this.target.clone(next === undefined ? {} : { crash: next });
    if (fault !== null) failOnce(this.target, fault);
    let server = new LocalServer(this.#worker(), nowMs);
    server.begin(WORKFLOW_COPY_SESSION, id, { job: this.job, overrides });
    for (let stop = next; ; stop = left.shift())
      try {
        return (await server.end(id)) as CopySessionOutcome;
      } catch (error) {
        if (!(error instanceof WorkerDeath) || stop === undefined) throw error;
        const again = stop.goesOn ? left[0] : undefined;
        this.target = this.target.restart(stop.loss, again === undefined ? {} : { crash: again });
        await this.judge.atAnyInstant(this.target);
        if (!stop.goesOn) return null;
        server = server.withNewWorker(this.#worker());
      }
  }

  #worker(): InProcessWorker {
    return new InProcessWorker([this.files.repository, this.target]);
  }

  /** Whatever the session asks of the source, the tool may have done a step meanwhile. */
  #hook({ during, fault }: TreeSession): () => void {
    const { repository } = this.files;
    const { list, openRead, stat } = repository;
    const code = fault?.kind === 'unreadable' ? 'REPOSITORY_IO_ERROR' : 'REPOSITORY_ACCESS_DENIED';
    const victim = fault === null ? '' : this.files.paths[fault.at % this.files.paths.length]!;
    const isVictim = (path: string) =>
      (fault?.kind === 'unreadable' || fault?.kind === 'denied') &&
      path === `${this.files.root}/${victim}`;
    const isHidden = (folder: string) =>
      fault?.kind === 'folder' && folder === `${this.files.root}/${parentFolder(victim)}`;
    const refuse = (path: string) =>
      new BackupError(code, `cannot read ${path}`, { details: { path } });
    let calls = 0;
    const meanwhile = async (): Promise<void> => {
      if (during === null || ++calls % during.everyCalls !== 0 || this.#running === null) return;
      unhook();
      await this.#running.next();
      hook();
    };
    const hook = (): void => {
      repository.list = async (folder) => {
        await meanwhile();
        if (isHidden(folder)) throw refuse(folder);
        return list.call(repository, folder);
      };
      repository.stat = async (path) => {
        await meanwhile();
        return stat.call(repository, path);
      };
      repository.openRead = async (path) => {
        await meanwhile();
        if (isVictim(path)) throw refuse(path);
        const file = await openRead.call(repository, path);
        await meanwhile();
        return file;
      };
    };
    const unhook = (): void => {
      Object.assign(repository, { list, openRead, stat });
    };
    hook();
    return unhook;
  }
}

const QUIET: TreeSession = { during: null, clockHours: 0, stops: [], fault: null };

/** One of the next changes of the target fails, and nothing of it is done. */
function failOnce(target: SimulatedRepository, { kind, at }: TreeFault): void {
  if (kind !== 'io' && kind !== 'full') return;
  const code = kind === 'io' ? 'REPOSITORY_IO_ERROR' : 'REPOSITORY_FULL';
  let left = at;
  const { rename, openWrite, syncFolder, unlink } = target;
  const fail = (path: string): void => {
    if (left-- === 0) throw new BackupError(code, `${kind} at ${path}`, { details: { path } });
  };
  target.rename = (from, to) => (fail(to), rename.call(target, from, to));
  target.openWrite = (path, create) => (fail(path), openWrite.call(target, path, create));
  target.syncFolder = (path) => (fail(path), syncFolder.call(target, path));
  target.unlink = (path) => (fail(path), unlink.call(target, path));
}
