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
import { SimulatedRepository } from '../../repository/simulated-repository.js';
import { testJob } from '../../session/test-site.js';
import { LocalServer, WorkerDeath } from '../../workflows/local-server.js';
import { InProcessWorker } from '../../workflows/local-worker.js';
import { WRITTEN_ROOT } from '../toy-trees.js';
import { filesBelow } from '../tree-world.js';
import { LocalSessions } from '../../workflows/local-sessions.js';
import { CopyJudge } from './copy-judge.js';
import { DatastoreTool } from './datastore-tool.js';
import { SourceFiles } from './source-files.js';
import {
  DatabaseTool,
  StoreTool,
  type Disaster,
  type SourceTool,
  type Steps,
} from './source-tools.js';
import { failOnce, watchNames } from './target-fault.js';
import {
  QUIET,
  type CopyLoss,
  type ListDamage,
  type TreeEvent,
  type TreeKind,
  type TreeSession,
} from './tree-event.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of sets, fulls: there is one for each day. */
const KEPT_POINTS = 4;

interface KindOfTree {
  readonly root: string;
  readonly workloadId: string;
  readonly tool: (files: SourceFiles) => SourceTool;
  readonly retention: CopyJob['retention'];
  /** Of a store: how long what its source removed stays. */
  readonly keptDays: number;
}

const TOY: Omit<KindOfTree, 'root' | 'workloadId'> = {
  tool: (files) => new StoreTool(files),
  retention: { type: 'restorePoints', value: KEPT_POINTS },
  keptDays: 3,
};

const KINDS: Readonly<Record<TreeKind, KindOfTree>> = {
  store: { ...TOY, root: 'store', workloadId: 'toy:store' },
  written: { ...TOY, root: WRITTEN_ROOT, workloadId: `toy:${WRITTEN_ROOT}` },
  datastore: {
    ...{ root: 'ds', workloadId: 'pbs-ds', keptDays: 7 },
    tool: (files) => new DatastoreTool(files),
    retention: { type: 'days', value: 7 },
  },
  sets: {
    ...{ root: 'db', workloadId: 'toysets:db', keptDays: 0 },
    tool: (files) => new DatabaseTool(files),
    retention: { type: 'days', value: KEPT_POINTS },
  },
};

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
    const { root, workloadId, tool, retention, keptDays } = KINDS[kind];
    this.files = new SourceFiles(root);
    this.tool = tool(this.files);
    this.job = testJob({ transactionLogs: true, retention });
    this.tree = chainFolder(this.job.id, workloadId);
    const shape = kind === 'sets' ? 'sets' : 'store';
    this.judge = new CopyJudge(this.tool, shape, this.tree, KEPT_POINTS, keptDays);
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
      (path) => this.tool.isData(path) && copied.get(path)?.equals(bytesOf(path)) === true,
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
    await this.judge.judge(this.target, outcome, start, session, acceptChanges);
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
    let states = this.#watch();
    let server = new LocalServer(this.#worker(), nowMs);
    server.begin(WORKFLOW_COPY_SESSION, id, { job: this.job, overrides });
    for (let stop = next; ; stop = left.shift())
      try {
        const outcome = (await server.end(id)) as CopySessionOutcome;
        await this.judge.atEachName(states);
        return outcome;
      } catch (error) {
        if (!(error instanceof WorkerDeath) || stop === undefined) throw error;
        await this.judge.atEachName(states);
        const again = stop.goesOn ? left[0] : undefined;
        this.target = this.target.restart(stop.loss, again === undefined ? {} : { crash: again });
        states = this.#watch();
        await this.judge.atAnyInstant(this.target);
        if (!stop.goesOn) return null;
        server = server.withNewWorker(this.#worker());
      }
  }

  #watch(): readonly SimulatedRepository[] {
    return watchNames(this.target, `${this.tree}/files`);
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
