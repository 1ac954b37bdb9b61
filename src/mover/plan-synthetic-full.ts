import { randomBytes } from 'node:crypto';
import { ownedChainRecord } from '../chain/chain-store.js';
import type { ChainRecord } from '../chain/chain-record.js';
import { BackupError } from '../domain/errors.js';
import type { TargetRestorePoint } from '../domain/target-point.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { makeFolderDurable } from '../repository/replace-file.js';
import type { ChangeInput } from './change-points.js';
import {
  readStagedJson,
  stagedPath,
  writeStagedJson,
  type CopyPlan,
  type DiskPlan,
  type PlanReference,
} from './copy-plan.js';
import { diskWork, type DiskWork } from './disk-work.js';
import { ImageStack, sameStamp, type LayerFile } from './image-stack.js';
import type { MoverContext } from './mover-context.js';
import { listPlannedBlocks } from './planned-blocks.js';
import { replacementStaging } from './replace-files.js';
import { targetLayersOf } from './scan-plan.js';
import { discardStaging } from './staging.js';

/** Plans a full of a point from the target's own files: the copy that follows reads them, writes the staged full and is then put in the
 *  point's place (`replaceWithFull`). Of a full it makes a compact one. Run again, it takes up the plan that is there.
 *  @throws RESTORE_POINT_MISSING, STALE_EPOCH, IMAGE_… */
export async function planSyntheticFull(
  context: MoverContext,
  input: ChangeInput & { readonly pointId: string },
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(target, input.chain, input.epoch);
  const point = record.points.find(({ id }) => id === input.pointId);
  if (point === undefined)
    throw new BackupError(
      'RESTORE_POINT_MISSING',
      `the chain has no restore point ${input.pointId}`,
    );
  const staging = replacementStaging(input.chain, input.pointId);
  const layers = await stampedLayers(target, record, input, point);

  const existing = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  if (existing !== null && existing.disks.every((disk) => isSame(disk, layers.get(disk.disk)))) {
    const plan = { ...existing, epoch: input.epoch };
    if (existing.epoch !== input.epoch)
      await writeStagedJson(target, stagedPath.plan(staging), plan);
    return work(target, staging, plan);
  }
  await discardStaging(target, staging);
  await makeFolderDurable(target, stagedPath.workFolder(staging));
  await makeFolderDurable(target, stagedPath.pointFolder(staging));
  const token = randomBytes(16).toString('hex');
  const disks: DiskPlan[] = [];
  for (const [disk, files] of layers)
    disks.push(await planDisk(context, { target, staging, token, disk, files }));
  const plan: CopyPlan = {
    token,
    epoch: input.epoch,
    pointId: point.id,
    createdAt: point.createdAt,
    kind: 'full',
    parentId: null,
    chainId: point.id,
    algorithm: point.disks[0]?.digests.algorithm ?? 'sha256',
    disks,
    companions: [],
    source: point.source,
  };
  await writeStagedJson(target, stagedPath.plan(staging), plan);
  return work(target, staging, plan);
}

async function planDisk(
  context: MoverContext,
  input: {
    target: BackupRepository;
    staging: string;
    token: string;
    disk: string;
    files: readonly LayerFile[];
  },
): Promise<DiskPlan> {
  const stack = await ImageStack.open(context, input.files);
  try {
    const { target, staging, token, disk } = input;
    const changes = { type: 'all' } as const;
    const lists = await listPlannedBlocks(context, {
      target,
      staging,
      token,
      disk,
      stack,
      changes,
    });
    return {
      disk,
      kind: 'full',
      virtualSizeBytes: stack.virtualSizeBytes,
      backing: null,
      layers: stack.layers,
      ...lists,
    };
  } finally {
    await stack.close();
  }
}

async function stampedLayers(
  target: BackupRepository,
  record: ChainRecord,
  input: ChangeInput,
  point: TargetRestorePoint,
): Promise<Map<string, LayerFile[]>> {
  const layers = new Map<string, LayerFile[]>();
  for (const { disk } of point.disks) {
    const files: LayerFile[] = [];
    for (const { repositoryId, path, format } of targetLayersOf(record, input, point.id, disk)) {
      const entry = await target.stat(path);
      if (entry === null)
        throw new BackupError('FILE_MISSING', `${path} is missing`, { details: { path } });
      files.push({ repositoryId, path, format, stamp: entry.stamp });
    }
    layers.set(disk, files);
  }
  return layers;
}

function isSame(plan: DiskPlan, now: readonly LayerFile[] | undefined): boolean {
  return (
    plan.layers.length === now?.length &&
    plan.layers.every(
      ({ path, stamp }, i) => path === now[i]!.path && sameStamp(stamp!, now[i]!.stamp!),
    )
  );
}

async function work(
  target: BackupRepository,
  staging: string,
  plan: CopyPlan,
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const disks: DiskWork[] = [];
  for (const { disk, slotCount } of plan.disks)
    disks.push(await diskWork(target, stagedPath.cursor(staging, disk), disk, slotCount));
  return { reference: { token: plan.token, epoch: plan.epoch }, disks };
}
