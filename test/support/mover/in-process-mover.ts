import type { DataMover } from '../../../src/mover/data-mover.js';
import { BackupError } from '../../../src/domain/errors.js';
import { FactKeeper } from '../../../src/mover/fact-keeper.js';
import { LOOK_OPERATIONS } from '../../../src/mover/look-operations.js';
import {
  threadOperation,
  windowOperation,
  type OperationInput,
  type OperationOutput,
  type ThreadOperation,
  type WindowInput,
  type WindowOperation,
} from '../../../src/mover/mover-operations.js';
import type { MoverContext } from '../../../src/mover/task/mover-context.js';
import { taskRepository, taskSource } from '../../../src/mover/task/task-repository.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { runWindowLoop, bytesOfASync } from '../../../src/mover/task/window-loop.js';
import { WindowRange, type WindowRun } from '../../../src/mover/task/window-runs.js';
import type {
  BackupRepository,
  SourceRepository,
} from '../../../src/repository/backup-repository.js';
import { asTarget } from '../../../src/repository/open-repository.js';
import { RateMeters } from '../../../src/repository/rate-meters.js';
import { StorageProbes } from '../../../src/repository/storage-probes.js';

/** The data mover without threads, over whatever repositories a test has. */
export class InProcessMover implements Pick<DataMover, keyof DataMover> {
  private readonly repositories: ReadonlyMap<string, BackupRepository>;

  constructor(...repositories: BackupRepository[]) {
    this.repositories = new Map(repositories.map((repository) => [repository.id, repository]));
  }

  /** Ids of those that may only be read, as external ones. */
  readOnly: ReadonlySet<string> = new Set();

  readonly repository = async (id: string): Promise<BackupRepository> => {
    const target = this.#found(id);
    return asTarget({ source: target, target: this.readOnly.has(id) ? null : target });
  };

  readonly source = async (id: string): Promise<SourceRepository> => this.#found(id);

  #found(id: string): BackupRepository {
    const repository = this.repositories.get(id);
    if (repository === undefined)
      throw new BackupError('REPOSITORY_MISSING', `no repository "${id}" is configured`);
    return repository;
  }

  /** None limits, unless a test puts its own in place. */
  meters = RateMeters.of([]);

  readonly facts = new FactKeeper();

  /** Repositories of a test have no place to be probed. */
  readonly storage = new StorageProbes([], this.repository);

  /** Storage of a test answers. */
  readonly unanswered = () => [];

  context(control = new TaskControl(), input?: unknown): MoverContext {
    const repository = async (id: string) =>
      taskRepository(await this.repository(id), control, this.meters, input);
    const source = async (id: string) =>
      taskSource(await this.source(id), control, this.meters, input);
    return { control, facts: this.facts, source, repository };
  }

  async run<N extends ThreadOperation>(
    name: N,
    input: OperationInput<N>,
    control?: TaskControl,
  ): Promise<OperationOutput<N>> {
    const context = LOOK_OPERATIONS.has(name)
      ? this.lookContext(control)
      : this.context(control, input);
    return (await threadOperation(name)(context, input)) as OperationOutput<N>;
  }

  /** As the thread of looks has it: its repositories are those of the storage, with nothing around them. */
  lookContext(control = new TaskControl()): MoverContext {
    const { facts, source, repository } = this;
    return { control, facts, source, repository };
  }

  runFreeing<N extends ThreadOperation>(
    name: N,
    input: OperationInput<N> & { readonly targetRepositoryId: string },
    control?: TaskControl,
  ): Promise<OperationOutput<N>> {
    return this.storage.withReserve(input.targetRepositoryId, () => this.run(name, input, control));
  }

  async runWindows<N extends WindowOperation>(
    name: N,
    input: WindowInput<N>,
    windows: readonly WindowRun[],
    control?: TaskControl,
  ): Promise<void> {
    const context = this.context(control, input);
    const open = () => windowOperation(name)(context, input);
    await runWindowLoop(context, new WindowRange(windows), bytesOfASync(1), open);
  }

  /** They are what the test says they are. */
  accept(): Promise<string | null> {
    return Promise.resolve(null);
  }

  watch(): null {
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
