import {
  createdAtOfPointFolder,
  pathSegment,
  workloadSegment,
} from '../domain/targets/path-segment.js';

/** Names in a target repository (docs/FORMAT.md, Layout). All paths are relative to the repository. */

export const CHAIN_RECORD_NAME = 'chain.json';
/** Second copy of the commit record, written before the first (see chain-store.ts). */
export const CHAIN_RECORD_COPY_NAME = 'chain.json.copy';
export const JOB_DEFINITION_NAME = 'job.json';
export const SESSIONS_FOLDER = 'sessions';
export const STAGING_FOLDER = '.staging';
export const QUARANTINE_FOLDER = '.quarantine';
export const LEASES_FOLDER = '.leases';

export function jobFolder(jobId: string): string {
  return pathSegment(jobId);
}

export function chainFolder(jobId: string, workloadId: string): string {
  return `${jobFolder(jobId)}/${workloadSegment(workloadId)}`;
}

export function sessionRecordPath(jobId: string, sessionId: string, year: number): string {
  return `${jobFolder(jobId)}/${SESSIONS_FOLDER}/${year}/${pathSegment(sessionId)}.json`;
}

/** Folder of the tasks of a session that have files of their own. */
export function taskRecordsFolder(jobId: string, sessionId: string, year: number): string {
  return sessionRecordPath(jobId, sessionId, year).slice(0, -'.json'.length);
}

export function stagingFolder(chain: string, pointId: string): string {
  return `${chain}/${STAGING_FOLDER}/${pointId}`;
}

/** Path of a disk's backup file in its point's folder, relative to the chain. */
export function diskPath(pointId: string, disk: string, extension: string): string {
  return `${pointId}/${diskFileName(disk, extension)}`;
}

export function diskFileName(disk: string, extension: string): string {
  return `${pathSegment(disk)}.${extension}`;
}

export function digestTablePath(pointId: string, disk: string): string {
  return `${pointId}/${pathSegment(disk)}.digests`;
}

export function tablesCopyPath(pointId: string, disk: string): string {
  return `${pointId}/${pathSegment(disk)}.tables`;
}

/** Parent link as it is stored in an increment: from its own folder to the parent's file. */
export function relativeParentLink(parentPath: string): string {
  return `../${parentPath}`;
}

/** Folder of a point: its creation time, with a number when two points have the same. */
export function isPointFolder(name: string): boolean {
  return createdAtOfPointFolder(name.replace(/-\d+$/, '')) !== null;
}
