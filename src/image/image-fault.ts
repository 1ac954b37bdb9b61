import { BackupError, type ErrorCode, type ErrorDetails } from '../domain/errors.js';
import type { ByteSource } from './byte-source.js';

/** A refusal of the image in `source`. `details.path` is added, so `details` name the place inside (`offset`) and what was seen. */
export function imageFault(
  source: ByteSource,
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
  cause?: unknown,
): BackupError {
  return new BackupError(code, `${source.label}: ${message}`, {
    details: { path: source.label, ...details },
    cause,
  });
}

/** @throws IMAGE_TRUNCATED unless the range lies inside the file */
export function checkInside(source: ByteSource, what: string, offset: number, bytes: number): void {
  if (offset + bytes > source.sizeBytes)
    throw imageFault(
      source,
      'IMAGE_TRUNCATED',
      `${what} takes bytes ${offset}..${offset + bytes}, the file has ${source.sizeBytes}`,
      { offset, bytes, sizeBytes: source.sizeBytes },
    );
}

/** @throws IMAGE_CORRUPT unless the field at file offset `at` holds a multiple of the cluster size */
export function checkAligned(
  source: ByteSource,
  field: string,
  at: number,
  offset: number,
  clusterBytes: number,
): void {
  if (offset % clusterBytes !== 0)
    throw corruptField(source, field, at, offset, `a multiple of the cluster size ${clusterBytes}`);
}

/** @throws IMAGE_LIMIT_EXCEEDED unless the field at file offset `at` holds `min` to `max` */
export function limit(
  source: ByteSource,
  field: string,
  at: number,
  seen: number,
  min: number,
  max: number,
): void {
  if (seen < min || seen > max)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `${field} is ${seen}; ${min}..${max} is allowed`,
      { offset: at, seen, min, max },
    );
}

export function corruptField(
  source: ByteSource,
  field: string,
  at: number,
  seen: number,
  rule: string,
): BackupError {
  return imageFault(source, 'IMAGE_CORRUPT', `${field} is ${seen}; it must be ${rule}`, {
    offset: at,
    seen,
  });
}
