import { randomBytes } from 'node:crypto';
import type { FormatId } from '../../../src/domain/sources/source-workload.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { LayerFile } from '../../../src/mover/blocks/layer-file.js';
import { planDisk } from '../../../src/mover/copy/plan-disk.js';
import {
  requireComposed,
  stagedPath,
  windowCountOf,
  writeStagedJson,
  type CopyPlan,
} from '../../../src/mover/staging/copy-plan.js';
import { makeStaging } from '../../../src/mover/staging/staging.js';
import type { MemoryBytes } from '../../support/image/byte-files.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

export const CHAIN = 'chain';
const DISK = 'disk-0';

/** A source with images of one disk, and a target that it is copied to, by the mover's own planning, copying and composing. */
export class CopiedDisk {
  readonly source = new SimulatedRepository('primary');
  readonly target = new SimulatedRepository('offsite');
  readonly mover = new InProcessMover(this.source, this.target);
  private readonly layers: { restorePointId: string; file: LayerFile }[] = [];
  private parent: TargetRestorePoint | null = null;

  /** @returns the file of the copy, as the commit record would list it */
  async copy(id: string, image: MemoryBytes, format: FormatId): Promise<TargetDisk> {
    const lineageFrom = this.layers[0]?.restorePointId ?? null;
    this.layers.unshift({ restorePointId: id, file: await this.store(image, format) });
    const staging = `${CHAIN}/.staging/${id}`;
    await makeStaging(this.target, staging);
    const token = randomBytes(16).toString('hex');
    const disk = await planDisk(this.mover.context(), {
      ...{ target: this.target, chain: CHAIN, staging, token, disk: DISK },
      ...{ layers: this.layers, parent: this.parent, lineageFrom, scanToken: null },
      changedBy: this.parent === null ? 'all' : 'lineage',
    });
    const plan: CopyPlan = {
      ...{ token, epoch: 1, pointId: id, createdAt: '2026-11-01T01:00:00Z', kind: disk.kind },
      ...{
        parentId: null,
        parentCopyId: null,
        chainId: id,
        digest: 'sha256',
        verifyAfterCopy: 'cached',
      },
      ...{ disks: [disk], companions: [], passedOver: [] },
      source: { repositoryId: 'primary', restorePointId: id, fingerprint: null },
    };
    await writeStagedJson(this.target, stagedPath.plan(staging), plan);
    const work = { targetRepositoryId: 'offsite', staging, reference: { token, epoch: 1 } };
    const windows = [{ first: 0, count: windowCountOf(disk.slotCount) }];
    await this.mover.runWindows('copyBlocks', { ...work, disk: DISK }, windows);
    await this.mover.run('composeTargetFile', work);
    const composed = await requireComposed(this.target, staging, plan);
    await this.target.rename(stagedPath.pointFolder(staging), `${CHAIN}/${id}`);
    const [file] = composed.disks;
    this.parent = { disks: [file!] } as unknown as TargetRestorePoint;
    return file!;
  }

  private async store(image: MemoryBytes, format: FormatId): Promise<LayerFile> {
    const file = await this.source.openWrite(image.label, 'new');
    await file.write(image.bytes, 0);
    await file.close();
    const entry = await this.source.stat(image.label);
    return { repositoryId: 'primary', path: image.label, format, stamp: entry!.stamp };
  }
}
