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

/** JSON whose `digest` covers the compact JSON of `record`. Elements of its lists stand one a line, the rest without white space.
 *  A record that differs from one written before in few elements costs little more than these (docs/PERFORMANCE.md, Scale). */
export function serializeRecord<R extends object>(
  { marker, version }: RecordFormat<R>,
  record: R,
): Buffer {
  const lines = linesOf(record);
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  const head = JSON.stringify({ [marker]: version, digest: hash.digest('hex') }).slice(0, -1);
  return Buffer.from(`${head},"record":${lines.join('\n')}}\n`);
}

/** The compact JSON of the record, cut around the elements of its lists. */
function linesOf(record: object): string[] {
  const lines: string[] = [];
  let line = '{';
  for (const [field, value] of Object.entries(record) as [string, unknown][]) {
    if (value === undefined) continue;
    line += `${line === '{' ? '' : ','}${JSON.stringify(field)}:`;
    if (Array.isArray(value) && value.length > 0) {
      const elements = value.map(elementText);
      lines.push(`${line}[`, ...elements.slice(0, -1).map((text) => `${text},`), elements.at(-1)!);
      line = ']';
    } else line += JSON.stringify(value);
  }
  return [...lines, `${line}}`];
}

/** Who makes another record of one leaves its elements as they are, or makes others: an element never changes. */
const elementTexts = new WeakMap<object, string>();

function elementText(element: unknown): string {
  if (typeof element !== 'object' || element === null) return JSON.stringify(element);
  const known = elementTexts.get(element);
  if (known !== undefined) return known;
  const text = JSON.stringify(element);
  elementTexts.set(element, text);
  return text;
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
