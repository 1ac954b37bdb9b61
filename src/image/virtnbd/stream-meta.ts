import type { ByteSource } from '../byte-source.js';
import type { Dialect, ImageHead } from '../disk-image.js';
import { imageFault } from '../image-fault.js';
import { HEADER_BYTES, parseFrame } from './stream-frames.js';

/** What the meta frame, the first of a stream, says. */
export interface StreamMeta extends ImageHead {
  /** Sum of the lengths of all data frames. */
  readonly dataBytes: number;
  readonly isCompressed: boolean;
  /** End of the JSON text, where the line end of the frame begins. */
  readonly end: number;
}

/** The tool writes some 350 bytes. */
const MAX_META_BYTES = 64 * 1024;
const SECTOR_BYTES = 512;

/** Local time of the machine that made the backup, without a zone; its disk by the name that the domain has for it; the checkpoint. */
interface StreamDialect {
  readonly virtualSizeBytes: number;
  readonly date: string;
  readonly diskName: string;
  readonly diskFormat: string;
  readonly checkpointName: string;
}

/** @throws IMAGE_MAGIC_MISSING, IMAGE_TRUNCATED, IMAGE_VERSION_UNKNOWN, IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED */
export async function readStreamMeta(source: ByteSource): Promise<StreamMeta> {
  const header = Buffer.alloc(Math.min(HEADER_BYTES, source.sizeBytes));
  await source.read(header, 0);
  if (!header.toString('latin1').startsWith('meta '.slice(0, Math.max(1, header.length))))
    throw imageFault(source, 'IMAGE_MAGIC_MISSING', 'is no stream of virtnbdbackup', { offset: 0 });
  if (header.length < HEADER_BYTES)
    throw imageFault(source, 'IMAGE_TRUNCATED', 'ends within its first frame', { offset: 0 });
  const { length } = parseFrame(source, header, 0);
  if (length > MAX_META_BYTES)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `its meta frame has ${length} bytes; at most ${MAX_META_BYTES} are read`,
      { offset: 0, seen: length, max: MAX_META_BYTES },
    );
  const text = Buffer.alloc(length);
  await source.read(text, HEADER_BYTES);
  return metaOf(source, fieldsOf(source, text), HEADER_BYTES + length);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(source: ByteSource, text: Buffer): Fields {
  try {
    const fields: unknown = JSON.parse(text.toString('utf8'));
    if (typeof fields === 'object' && fields !== null) return fields as Fields;
  } catch {
    // the fault below says it
  }
  throw imageFault(source, 'IMAGE_CORRUPT', 'its meta frame holds no JSON object', {
    offset: HEADER_BYTES,
  });
}

function metaOf(source: ByteSource, fields: Fields, end: number): StreamMeta {
  // The first releases wrote it with a hyphen.
  const version = fields.streamVersion ?? fields['stream-version'];
  const isCompressed = fields.compressed !== undefined && fields.compressed !== false;
  const isKnown = version === 2 && (!isCompressed || fields.compressionMethod === 'lz4');
  if (!isKnown)
    throw imageFault(
      source,
      'IMAGE_VERSION_UNKNOWN',
      `is a stream of version ${JSON.stringify(version)}, compressed by ${JSON.stringify(fields.compressionMethod)}; 2 and lz4 are read`,
      { offset: HEADER_BYTES },
    );
  const virtualSizeBytes = sizeIn(source, fields, 'virtualSize');
  if (virtualSizeBytes % SECTOR_BYTES !== 0)
    throw metaFault(source, 'virtualSize', virtualSizeBytes, 'a multiple of 512');
  const isIncrement = fields.incremental === true;
  const checkpointName = textIn(source, fields, 'checkpointName');
  const parentCheckpoint = isIncrement ? textIn(source, fields, 'parentCheckpoint') : '';
  const date = textIn(source, fields, 'date');
  const diskName = textIn(source, fields, 'diskName');
  const diskFormat = textIn(source, fields, 'diskFormat');
  const parentFile = typeof fields.parentFile === 'string' ? fields.parentFile : parentCheckpoint;
  return {
    virtualSizeBytes,
    dataBytes: sizeIn(source, fields, 'dataSize'),
    isCompressed,
    end,
    parent: isIncrement ? { name: parentFile, linkId: parentCheckpoint } : null,
    linkId: checkpointName,
    dialect: { virtualSizeBytes, date, diskName, diskFormat, checkpointName },
  };
}

function sizeIn(source: ByteSource, fields: Fields, name: string): number {
  const value = fields[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw metaFault(source, name, value, 'a number of bytes');
}

function textIn(source: ByteSource, fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw metaFault(source, name, value, 'a text');
}

function metaFault(source: ByteSource, name: string, seen: unknown, rule: string) {
  return imageFault(
    source,
    'IMAGE_CORRUPT',
    `its meta frame says that ${name} is ${JSON.stringify(seen)}; it must be ${rule}`,
    { offset: HEADER_BYTES },
  );
}

/** A dialect stands in plans and may be of another release: what it lacks gets a value that harms nobody. */
export function streamDialect(dialect: Dialect): StreamDialect {
  const text = (name: string, otherwise: string): string => {
    const value = dialect[name];
    return typeof value === 'string' ? value : otherwise;
  };
  const { virtualSizeBytes } = dialect;
  return {
    virtualSizeBytes: typeof virtualSizeBytes === 'number' ? virtualSizeBytes : 0,
    date: text('date', '1970-01-01T00:00:00'),
    diskName: text('diskName', 'vda'),
    diskFormat: text('diskFormat', 'qcow2'),
    checkpointName: text('checkpointName', ''),
  };
}
