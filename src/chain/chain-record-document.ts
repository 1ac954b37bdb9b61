import type { PlacedSlots } from '../domain/targets/file-units.js';
import {
  count,
  instant,
  listOf,
  nullable,
  object,
  oneOf,
  yes,
  optional,
  tagged,
  text,
  type Shape,
} from '../domain/json-shape.js';
import type { Absence, Presence } from '../domain/retention/absence.js';
import type { BackupName, SourceFingerprint } from '../domain/sources/source-workload.js';
import { treePathFault } from '../domain/trees/tree-path.js';
import type {
  CopiedSource,
  KnownSourcePoint,
  SourceJudgement,
  TargetCompanion,
  TargetDisk,
  TargetRestorePoint,
} from '../domain/targets/target-point.js';
import { WORKLOAD_ID_LENGTH } from '../domain/sources/workload-id.js';
import type { ChainRecord, PendingChange } from './chain-record.js';
import { parseRecord, serializeRecord, type RecordFormat } from './record-document.js';
import type { OwnedRecord } from './record-store.js';

/** Shape of the commit record (docs/FORMAT.md, Commit record): the tables there, line by line. */

const fingerprint = object<SourceFingerprint>({ byPath: text, byFile: text });

const judgement = object<SourceJudgement>({
  verdict: oneOf('grown', 'replaced'),
  reason: text,
  isFilled: optional(yes),
  fingerprint: nullable(fingerprint),
  epoch: count,
});

const source = object<CopiedSource>({
  repositoryId: text,
  restorePointId: text,
  fingerprint: nullable(fingerprint),
  copyId: optional(text),
  provenInEpoch: optional(count),
  provenCreatedAt: optional(instant),
  judged: optional(judgement),
  backup: optional(object<BackupName>({ repositoryId: text, restorePointId: text })),
});

const kind = oneOf('full', 'increment');
const flags = listOf(oneOf('weekly', 'monthly', 'yearly'));

const placedSlots = object<PlacedSlots>({
  headBytes: count,
  groupSlots: count,
  prefixBytes: count,
  slotCount: count,
});

const treePath: Shape<string> = (value) => {
  const fault = text(value) ?? treePathFault(value as string);
  return fault === null ? null : ` ${fault.trim()}`;
};

const timeNs: Shape<string> = (value) =>
  typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? null : ' is not a time';

const traits = {
  as: optional(treePath),
  asFormat: optional(text),
  modifiedAtNs: optional(timeNs),
  mode: optional(count),
};

const disk = object<TargetDisk>({
  disk: text,
  path: text,
  format: text,
  kind,
  sizeBytes: count,
  virtualSizeBytes: count,
  digests: object<TargetDisk['digests']>({
    path: text,
    algorithm: oneOf('sha256', 'blake3'),
    tableDigest: text,
    slots: optional(placedSlots),
  }),
  tablesPath: text,
  isCompanion: optional(yes),
  lacksKeys: optional(yes),
  ...traits,
});

const companion = object<TargetCompanion>({
  path: text,
  sizeBytes: count,
  digest: text,
  ...traits,
});

const point = object<TargetRestorePoint>({
  id: text,
  createdAt: instant,
  copiedAt: instant,
  kind,
  parentId: nullable(text),
  chainId: text,
  state: oneOf('available', 'retired'),
  health: oneOf('good', 'corrupt', 'unknown'),
  verifiedAt: nullable(instant),
  flags,
  disks: listOf(disk),
  companions: listOf(companion),
  source,
  copyId: text,
});

const pending = tagged<PendingChange>({
  merge: object({ intoId: text, fromId: text }),
  replace: object({ pointId: text, verifiedAt: instant, disks: listOf(disk), flags }),
  delete: object({ ids: listOf(text) }),
  quarantine: object({ ids: listOf(text), revision: count }),
});

const presence = object<Presence>({
  lastSeenAt: nullable(instant),
  absence: nullable(
    object<Absence>({
      firstMissedAt: instant,
      lastMissedAt: instant,
      missedDays: count,
      provenMs: count,
      lastSpanMs: count,
      announcedAt: nullable(instant),
      origin: optional(text),
    }),
  ),
});

const knownSourcePoint = object<KnownSourcePoint>({
  repositoryId: text,
  restorePointId: text,
  createdAt: instant,
  fingerprint: optional(nullable(fingerprint)),
  copyId: optional(text),
});

const workloadId: Shape<string> = (value) =>
  text(value) ??
  ((value as string).length > WORKLOAD_ID_LENGTH ? ' is longer than an id can be' : null);

/** What every commit record says of itself. */
export const ownedFields = {
  jobId: text,
  workload: object<OwnedRecord['workload']>({ id: workloadId, name: text, type: text }),
  revision: count,
  epoch: count,
  owner: nullable(text),
  presence,
};

const chainRecordShape: Shape<ChainRecord> = object<ChainRecord>({
  ...ownedFields,
  points: listOf(point),
  pending: nullable(pending),
  knownSourcePoints: optional(listOf(knownSourcePoint)),
  compactedAt: optional(instant),
});

const CHAIN_RECORD_VERSION = 1;

const FORMAT: RecordFormat<ChainRecord> = {
  marker: 'longhaulChain',
  version: CHAIN_RECORD_VERSION,
  shape: chainRecordShape,
};

/** The record as the bytes of chain.json. */
export function serializeChainRecord(record: ChainRecord): Buffer {
  return serializeRecord(FORMAT, record);
}

/** @throws CHAIN_RECORD_CORRUPT, CHAIN_FORMAT_UNKNOWN */
export function parseChainRecord(bytes: Buffer, path: string): ChainRecord {
  return parseRecord(FORMAT, bytes, path);
}
