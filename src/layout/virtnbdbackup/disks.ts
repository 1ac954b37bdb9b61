import type { SourceDisk } from '../../domain/sources/source-workload.js';
import { fullFormat } from '../../image/formats.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { fileStart } from '../file-start.js';
import { readImageHead } from '../images/image-head.js';
import { definedDisks } from '../libvirt/defined-disks.js';
import { broken, faultOfError, incomplete, type Finding, type PointFault } from '../point-fault.js';
import type { StreamFile } from './runs.js';
import { readText } from '../xml-file.js';

const FORMAT = 'virtnbd';
const SECTOR_BYTES = 512;

export interface StreamDisk {
  readonly file: Omit<SourceDisk, 'parentRestorePointId'>;
  /** null: the file says nothing of it. */
  readonly writtenAtMs: number | null;
  readonly parentCheckpoint: string | null;
}

/** What one file of a run shows. In a restored tree it is a full of its disk, under the name of one.
 *  @param noted what the tool has noted of the disk (`<disk>.<run>.qcow.json`) */
export async function readStreamDisk(
  facts: FolderFacts,
  stream: StreamFile,
  definition: ClaimedFile | null,
  noted: ClaimedFile | null,
): Promise<Finding<StreamDisk>> {
  const { disk, level, entry } = stream;
  const { path, stamp } = entry;
  const defined = await definedDisks(facts, definition);
  const isRaw = level === 'copy' && defined.some((one) => one.disk === disk && one.isRaw);
  if (isRaw) {
    if (stamp.sizeBytes === 0 || stamp.sizeBytes % SECTOR_BYTES !== 0)
      return incomplete(
        `${path} has ${stamp.sizeBytes} bytes, which is no whole number of sectors`,
      );
    return { value: rawDisk(stream) };
  }
  if (stamp.sizeBytes === 0) return incomplete(`${path} is empty`);
  const head = await readImageHead(facts, entry, FORMAT);
  if ('fault' in head) return savedRaw(facts, stream, noted, head.fault);
  const { parent, dialect } = head.value;
  if (dialect.diskName !== disk)
    return broken(`${path} holds disk ${JSON.stringify(dialect.diskName)}`);
  const isIncrement = level === 'inc' || level === 'diff';
  if (isIncrement !== (parent !== null))
    return broken(
      `${path} is named ${level}, and says itself that it is ${parent ? 'an increment' : 'a full'}`,
    );
  const kind = isIncrement ? 'increment' : 'full';
  // A disk that ends within a block is no stream in the copy, and nobody should take it for one.
  const { extension } = fullFormat(FORMAT, dialect);
  const date = typeof dialect.date === 'string' ? Date.parse(`${dialect.date.slice(0, 23)}Z`) : NaN;
  return {
    value: {
      file: { disk, path, format: FORMAT, kind, stamp, as: `${disk}.full.${extension}` },
      writtenAtMs: Number.isNaN(date) ? null : date,
      parentCheckpoint: parent?.linkId ?? null,
    },
  };
}

function rawDisk({ disk, entry }: StreamFile): StreamDisk {
  const { path, stamp, name } = entry;
  const file = { disk, path, format: 'raw', kind: 'full', stamp, as: name } as const;
  return { file, writtenAtMs: null, parentCheckpoint: null };
}

/** A full or copy that was made with `--type raw`: the disk as it is, of any format at the host, under the name of a stream. The size that the tool has noted of the
 *  disk tells it, and that it is whole: the tool makes the file as long as that before it writes.
 *  @param fault why it is no stream */
async function savedRaw(
  facts: FolderFacts,
  stream: StreamFile,
  noted: ClaimedFile | null,
  fault: PointFault,
): Promise<Finding<StreamDisk>> {
  const { level, entry } = stream;
  if (level === 'inc' || level === 'diff' || fault.state === 'unknown') return { fault };
  const start = await fileStart(facts, entry);
  if ('fault' in start) return start;
  if (start.value.startsWith(STREAM_START)) return { fault };
  if (noted === null)
    return incomplete(
      `${fault.reason}; of a disk that was saved with --type raw the tool notes the size (${stream.disk}.<run>.qcow.json), which is not there`,
    );
  const size = await notedSize(facts, noted);
  if ('fault' in size) return size;
  if (size.value === entry.stamp.sizeBytes) return { value: rawDisk(stream) };
  return incomplete(
    `${fault.reason}, nor the whole disk: ${entry.stamp.sizeBytes} bytes are there of ${size.value}, which ${noted.name} tells`,
  );
}

/** The first frame of a stream. */
const STREAM_START = 'meta ';

/** `virtual-size` of what `qemu-img info` told. */
function notedSize(facts: FolderFacts, noted: ClaimedFile): Promise<Finding<number>> {
  return facts.fact(noted, 'virtual size', async () => {
    try {
      const text = await readText(facts.repository, noted.path);
      if ('fault' in text) return text;
      const size = sizeIn(text.value);
      return size === null
        ? incomplete(`${noted.path} tells no size of its disk`)
        : { value: size };
    } catch (error) {
      return faultOfError(error);
    }
  });
}

/** Of the disk, not of a file that it lies in (newer releases tell that, too). null: there is none. */
function sizeIn(text: string): number | null {
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told !== 'object' || told === null || !('virtual-size' in told)) return null;
    const size = told['virtual-size'];
    return Number.isSafeInteger(size) ? (size as number) : null;
  } catch {
    return null; // cut off
  }
}
