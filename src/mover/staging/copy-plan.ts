import { hash, randomBytes } from 'node:crypto';
import { BackupError, isBackupError, isStorageFault } from '../../domain/errors.js';
import type { VerifyAfterCopy } from '../../domain/jobs/copy-job.js';
import { WINDOW_BLOCKS, type DigestAlgorithm } from '../../domain/targets/digest.js';
import type { PlanReference } from '../../domain/targets/disk-work.js';
import type {
  CopiedSource,
  KeptFile,
  KnownSourcePoint,
  TargetCompanion,
  TargetDisk,
} from '../../domain/targets/target-point.js';
import type { FormatId, RestorePointKind } from '../../domain/sources/source-workload.js';
import { diskFileName } from '../../chain/chain-paths.js';
import { pathSegment } from '../../domain/targets/path-segment.js';
import { imageFormat } from '../../image/formats.js';
import type { FileShape } from '../../image/image-format.js';
import type {
  BackupRepository,
  Move,
  SourceRepository,
} from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import { isFileUnread } from '../../repository/unread-file.js';
import type { CompanionFile } from '../blocks/companion-file.js';
import type { LayerFile } from '../blocks/layer-file.js';

/** What is to be done for one restore point, as it lies in `<staging>/plan.json`. It is written last and removed first, so it stands
 *  for the whole staging folder: there is a plan, or there is nothing that counts. */
export interface CopyPlan {
  /** Also in the header of every list of this plan: a list of another plan is never mixed in. */
  readonly token: string;
  readonly epoch: number;
  readonly pointId: string;
  readonly createdAt: string;
  readonly kind: RestorePointKind;
  readonly parentId: string | null;
  /** `TargetRestorePoint.copyId` of the parent: a point that is copied anew may get the id of the one that it takes the place of. null: a full. */
  readonly parentCopyId: string | null;
  readonly chainId: string;
  readonly digest: DigestAlgorithm;
  readonly verifyAfterCopy: VerifyAfterCopy;
  readonly disks: readonly DiskPlan[];
  readonly companions: readonly CompanionFile[];
  readonly source: CopiedSource;
  /** Source points that are dealt with once this one is copied. */
  readonly passedOver: readonly KnownSourcePoint[];
  /** Source points of which nobody needs to know any more that they were dealt with. Absent: there are none. */
  readonly forgotten?: readonly KnownSourcePoint[];
  /** Of a full that is made from files of the target: in which form it was ordered. Absent: it is no such full. */
  readonly order?: string;
  /** Of a restore: who reads. */
  readonly of?: RestoreReader;
}

/** Of one disk, with the shape of its staged file. */
export interface DiskPlan extends FileShape, KeptFile {
  readonly disk: string;
  readonly kind: RestorePointKind;
  /** Of the staged file. */
  readonly format: FormatId;
  /** Images that show this disk at this point, top first. */
  readonly layers: readonly LayerFile[];
  /** Of the block list: slot k of the staged file holds what its entry k names. */
  readonly slotCount: number;
  /** Of those slots the ones that nothing is copied into. */
  readonly holeCount: number;
  readonly zeroBlockCount: number;
  /** What stands before a slot is written with its block and sealed with it, but for `reuse`. Absent: it has to be looked for. */
  readonly copiesPrefixes?: true;
  /** Of the target's newest file of a disk that is a full in each point: what it holds at the same place is not sent again. Absent: there is none. */
  readonly reuse?: { readonly digestsPath: string };
}

/** What `composeTargetFile` leaves in `<staging>/composed.json`: the disks and companions as the commit record will list them. */
export interface ComposedPoint {
  readonly token: string;
  readonly disks: readonly TargetDisk[];
  readonly companions: readonly TargetCompanion[];
}

/** Names a plan, or one attempt at work that has none: 32 hexadecimal digits, another each time. */
export function newToken(): string {
  return randomBytes(16).toString('hex');
}

/** Where the files of a composed point lie while they are worked on, and where they go. */
export function publishedFiles(
  chain: string,
  staging: string,
  { disks, companions }: Pick<ComposedPoint, 'disks' | 'companions'>,
): Move[] {
  const paths = [
    ...disks.flatMap(({ path, digests, tablesPath }) => [path, digests.path, tablesPath]),
    ...companions.map(({ path }) => path),
  ];
  return paths.map((path) => ({
    from: `${stagedPath.pointFolder(staging)}${path.slice(path.indexOf('/'))}`,
    to: `${chain}/${path}`,
  }));
}

export function windowCountOf(blockCount: number): number {
  return Math.ceil(blockCount / WINDOW_BLOCKS);
}

/** Names in a staging folder. What is finished in `point/` gets its name in the point's folder when it is committed; the rest goes. */
export const stagedPath = {
  plan: (staging: string) => `${staging}/plan.json`,
  composed: (staging: string) => `${staging}/composed.json`,
  scan: (staging: string) => `${staging}/scan.json`,
  workFolder: (staging: string) => `${staging}/work`,
  pointFolder: (staging: string) => `${staging}/point`,
  blockList: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.blocks`,
  zeroList: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.zeros`,
  journal: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.journal`,
  /** Journal of a comparison, which may be followed by a copy in the same folder. */
  compared: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.compared`,
  /** Journal of a raw restore, whose plan is that of a full that nothing is copied of. */
  restored: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.restored`,
  /** Of a comparison or a raw restore: the windows that it goes through. */
  heldWindows: (staging: string, disk: string) => `${staging}/work/${pathSegment(disk)}.windows`,
  image: (staging: string, { disk, format }: Pick<DiskPlan, 'disk' | 'format'>) =>
    `${staging}/point/${diskFileName(disk, imageFormat(format).extension)}`,
  tables: (staging: string, disk: string) => `${staging}/point/${pathSegment(disk)}.tables`,
  digests: (staging: string, disk: string) => `${staging}/point/${pathSegment(disk)}.digests`,
};

/** 16 MiB: a plan lists files, never blocks. */
const MAX_PLAN_BYTES = 16 * 1024 * 1024;

/** Grows with every change of what lies in a staging folder: what another release left there is done again. */
const STAGING_VERSION = 8;

/** null: there is none that can be trusted. Staging may be lost at any time, so what is damaged there, cannot be read, or was written by another release,
 *  is done again, like what is absent. */
export async function readStagedJson<T extends { token: string }>(
  repository: SourceRepository,
  path: string,
): Promise<T | null> {
  try {
    const bytes = await readWholeFile(repository, path, MAX_PLAN_BYTES);
    return bytes === null ? null : sealedContent<T>(bytes);
  } catch (error) {
    if (isBackupError(error) && !isStorageFault(error)) return null;
    if (await isFileUnread(repository, path, error)) return null;
    throw error;
  }
}

/** What carries its own digest and version was written by `writeStagedJson`: the digest covers the text as it lies there. */
function sealedContent<T>(bytes: Buffer): T | null {
  const text = bytes.toString('utf8');
  const [seal, version, digest] = SEAL.exec(text) ?? [''];
  if (Number(version) !== STAGING_VERSION) return null;
  const content = text.slice(seal.length, -SEAL_END.length);
  return hash('sha256', content, 'hex') === digest ? (JSON.parse(content) as T) : null;
}

const SEAL = /^\{"longhaulStaging":(\d+),"digest":"([0-9a-f]{64})","content":/;
const SEAL_END = '}\n';

export async function writeStagedJson(
  repository: BackupRepository,
  path: string,
  value: { token: string },
): Promise<void> {
  const content = JSON.stringify(value);
  const digest = hash('sha256', content, 'hex');
  const seal = `{"longhaulStaging":${STAGING_VERSION},"digest":"${digest}","content":`;
  await repository.put(path, Buffer.from(`${seal}${content}${SEAL_END}`));
}

/** The plan that `token` names.
 *  @throws STAGING_INVALID when another one, or none, is there; STALE_EPOCH when it was taken over */
export async function requirePlan(
  repository: SourceRepository,
  staging: string,
  reference: PlanReference,
): Promise<CopyPlan> {
  const plan = await readStagedJson<CopyPlan>(repository, stagedPath.plan(staging));
  if (plan === null || plan.token !== reference.token)
    throw new BackupError('STAGING_INVALID', `the plan in ${staging} is not there any more`, {
      details: { staging },
    });
  if (plan.epoch !== reference.epoch)
    throw new BackupError(
      'STALE_EPOCH',
      `the plan in ${staging} is owned by epoch ${plan.epoch} now; this task belongs to epoch ${reference.epoch}`,
      { details: { staging, epoch: plan.epoch } },
    );
  return plan;
}

/** The disk of a plan. @throws STAGING_INVALID */
export function requireDisk(plan: CopyPlan, name: string): DiskPlan {
  const disk = plan.disks.find((entry) => entry.disk === name);
  if (disk === undefined) throw new BackupError('STAGING_INVALID', `the plan has no disk ${name}`);
  return disk;
}

/** What was composed by a plan. @throws STAGING_INVALID when it is not finished */
export async function requireComposed(
  repository: SourceRepository,
  staging: string,
  plan: CopyPlan,
): Promise<ComposedPoint> {
  const composed = await readStagedJson<ComposedPoint>(repository, stagedPath.composed(staging));
  if (composed === null || composed.token !== plan.token)
    throw new BackupError('STAGING_INVALID', `${staging} is not composed yet`);
  return composed;
}

/** Of a plan in the folder of a restore: what is read, and by which lease. Ids of points are no more than their dates, and are those of many copies. */
export interface RestoreReader {
  readonly repositoryId: string;
  readonly chain: string;
  readonly leaseId: string;
}
