import { serializeChainRecord } from '../../../src/chain/chain-record-document.js';
import { type ChainRecord } from '../../../src/chain/chain-record.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';

const AT = '2026-11-01T00:00:00.000Z';

export async function putFile(
  repository: BackupRepository,
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  await repository.makePlace(path.slice(0, path.lastIndexOf('/')));
  await repository.put(path, Buffer.from(content));
}

/** The record of a chain without files: a full and increments on it. */
export async function putChainRecord(
  repository: BackupRepository,
  chain: {
    readonly jobId: string;
    readonly workload: string;
    /** Default: the id. */
    readonly name?: string;
    readonly pointIds: readonly string[];
    readonly verifiedAt?: (id: string) => string;
    /** Ids. */
    readonly corrupt?: readonly string[];
  },
): Promise<void> {
  const { jobId, workload, name = workload, pointIds, verifiedAt = () => AT, corrupt = [] } = chain;
  const points = pointIds.map((id, index): TargetRestorePoint => ({
    id,
    chainId: pointIds[0]!,
    parentId: index === 0 ? null : pointIds[index - 1]!,
    kind: index === 0 ? 'full' : 'increment',
    state: 'available',
    health: corrupt.includes(id) ? 'corrupt' : 'good',
    verifiedAt: verifiedAt(id),
    createdAt: AT,
    copiedAt: AT,
    flags: [],
    source: { repositoryId: 'primary', restorePointId: id, fingerprint: null },
    copyId: id,
    disks: [],
    companions: [],
  }));
  const record: ChainRecord = {
    jobId,
    workload: { id: workload, name, type: 'libvirt-kvm' },
    revision: 1,
    epoch: 1,
    owner: null,
    presence: { lastSeenAt: null, absence: null },
    points,
    pending: null,
  };
  for (const file of ['chain.json', 'chain.json.copy'])
    await putFile(repository, `${jobId}/${workload}/${file}`, serializeChainRecord(record));
}
