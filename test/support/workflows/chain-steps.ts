import type { ChainState } from '../../../activities/payloads/chain-payloads.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { WorkloadType } from '../../../src/domain/sources/source-workload.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { inActivity } from '../activities/in-activity.js';
import { InProcessWorker } from './local-worker.js';

/** Single activities on one chain, for steps that were planned at one time and are done at another. */
export class ChainSteps {
  readonly chain: string;
  private readonly activities: InProcessWorker['activities'];

  constructor(
    private readonly target: BackupRepository,
    private readonly jobId: string,
    private readonly workload: { id: string; name: string; type: WorkloadType },
  ) {
    this.chain = chainFolder(jobId, workload.id);
    this.activities = new InProcessWorker([target]).activities;
  }

  /** As the session `owner`. */
  take(owner: string, nowMs: number): Promise<ChainState> {
    const { workload } = this;
    return inActivity(this.activities.inspectTargetChain, { ...this.at(nowMs), workload, owner });
  }

  merge(epoch: number, nowMs: number, fullId: string, incrementId: string) {
    const { mergeIncrement } = this.activities;
    return inActivity(mergeIncrement, { ...this.at(nowMs), epoch, fullId, incrementId });
  }

  delete(epoch: number, nowMs: number, ids: readonly string[]) {
    return inActivity(this.activities.deleteRestorePoints, { ...this.at(nowMs), epoch, ids });
  }

  /** Of one point; its lease holds until `endVerification`. */
  beginVerification(pointId: string, nowMs: number) {
    return inActivity(this.activities.prepareVerification, { ...this.at(nowMs), pointId });
  }

  endVerification(pointId: string, nowMs: number) {
    const verified = { ...this.at(nowMs), pointId, disks: [] };
    return inActivity(this.activities.collectDamage, verified);
  }

  private at(nowMs: number) {
    const { target, jobId, workload } = this;
    return { targetRepositoryId: target.id, jobId, workloadId: workload.id, nowMs };
  }
}
