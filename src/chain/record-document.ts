import { createHash } from 'node:crypto';
import { BackupError } from '../domain/errors.js';
import type { Shape } from '../domain/json-shape.js';

/** What a commit record's file says of itself: `{ "<marker>": <version>, "digest": …, "record": … }`. */
export interface RecordFormat<R extends object> {
  readonly marker: string;
  /** Newest that this release reads, and the one it writes. */
  readonly version: number;
  readonly shape: Shape<R>;
}

/** Readable JSON whose `digest` covers the compact JSON of `record`. */
export function serializeRecord<R extends object>(
  { marker, version }: RecordFormat<R>,
  record: R,
): Buffer {
  const digest = digestOf(record);
  return Buffer.from(`${JSON.stringify({ [marker]: version, digest, record }, null, 1)}\n`);
}

/** @throws CHAIN_RECORD_CORRUPT, CHAIN_FORMAT_UNKNOWN */
export function parseRecord<R extends object>(
  format: RecordFormat<R>,
  bytes: Buffer,
  path: string,
): R {
  const document = parseJsonObject(bytes, path);
  const version = document[format.marker];
  if (typeof version === 'number' && version > format.version)
    throw new BackupError(
      'CHAIN_FORMAT_UNKNOWN',
      `${path} has format version ${version}; this release reads up to ${format.version}`,
      { details: { path, version } },
    );
  const record = document['record'];
  if (version !== format.version || typeof record !== 'object' || record === null)
    throw corrupt(path, 'it has no record');
  if (digestOf(record) !== document['digest']) throw corrupt(path, 'its digest does not match');
  // Other programs may write records too: a digest tells who wrote it last, not that it can be worked with.
  const fault = format.shape(record);
  if (fault !== null) throw corrupt(path, `record${fault}`);
  return record as R;
}

function digestOf(record: object): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}

function parseJsonObject(bytes: Buffer, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw corrupt(path, 'it is not JSON', error);
  }
  throw corrupt(path, 'it is not a JSON object');
}

function corrupt(path: string, why: string, cause?: unknown): BackupError {
  return new BackupError('CHAIN_RECORD_CORRUPT', `${path} cannot be trusted: ${why}`, {
    details: { path },
    cause,
  });
}
