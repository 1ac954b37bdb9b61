import { BackupError } from '../domain/errors.js';
import type { Shape } from '../domain/json-shape.js';

/** The JSON of a small file beside the data.
 *  @throws METADATA_CORRUPT when it is not of this shape */
export function parseJson<T>(bytes: Buffer, path: string, shape: Shape<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw corrupt(path, 'it is not JSON', error);
  }
  const fault = shape(value);
  if (fault !== null) throw corrupt(path, `its content${fault}`);
  return value as T;
}

function corrupt(path: string, why: string, cause?: unknown): BackupError {
  return new BackupError('METADATA_CORRUPT', `${path} cannot be read: ${why}`, {
    details: { path },
    cause,
  });
}
