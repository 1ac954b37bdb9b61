import type { PlanReference } from '../../../src/domain/targets/disk-work.js';
import type { RestoreFormat } from '../../../src/domain/targets/restore-format.js';
import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import type { MachineCopy } from './copied-machine.js';

export const DESTINATION = '/restored';

/** A restore of the newest copied point into a folder of its own, step by step. */
export class MachineRestore {
  readonly mover: InProcessMover;
  /** Of the plan that was written by. */
  private reference: PlanReference = { token: '', epoch: 0 };

  constructor(
    readonly copy: MachineCopy,
    private readonly format: RestoreFormat,
    private readonly more: Partial<PointRestore> = {},
    readonly folder = new SimulatedRepository(folderRepositoryId(DESTINATION)),
  ) {
    this.mover = new InProcessMover(copy.target, this.folder);
  }

  private get input(): PointRestore {
    const { chain, nowMs } = this.copy.input;
    return {
      ...{ repositoryId: 'offsite', chain, pointId: this.copy.machine.idOf(3), nowMs },
      ...{ destinationPath: DESTINATION, format: this.format, disks: null },
      ...{ intoExisting: false, leaseId: 'restore', ...this.more },
    };
  }

  private get work() {
    const { folder, staging, reference } = this;
    return { targetRepositoryId: folder.id, staging, reference };
  }

  get staging(): string {
    return `.longhaul-restore-${this.input.pointId}`;
  }

  prepare() {
    return this.mover.run('prepareRestore', this.input);
  }

  /** What is left to be read, as the plan says. */
  async write(): Promise<void> {
    const { reference, disks } = await this.prepare();
    this.reference = reference;
    const isRaw = this.format === 'raw';
    for (const { disk, windowCount, firstOpenWindow: first } of disks)
      await this.mover.runWindows(isRaw ? 'restoreRaw' : 'copyBlocks', { ...this.work, disk }, [
        { first, count: windowCount - first },
      ]);
    if (!isRaw) await this.mover.run('composeTargetFile', this.work);
  }

  /** Names, then the end. */
  async finish(): Promise<string[]> {
    const files = await this.name();
    await this.end();
    return files;
  }

  async name(): Promise<string[]> {
    const { input, reference } = this;
    if (input.format !== 'raw') await this.mover.run('composeTargetFile', this.work);
    const order = { ...input, reference, endsApart: true };
    return (await this.mover.run('finishRestore', order)).files;
  }

  end(): Promise<void> {
    return this.mover.run('endRestore', { ...this.input, reference: this.reference });
  }

  async bytes(path: string): Promise<Buffer> {
    const file = await this.folder.openRead(path.replace(`${DESTINATION}/`, ''));
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  async leases(): Promise<string[]> {
    return (await this.copy.target.list(`${this.copy.machine.chain}/.leases`)).map(
      ({ name }) => name,
    );
  }
}
