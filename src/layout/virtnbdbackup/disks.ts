import type { SourceDisk } from '../../domain/sources/source-workload.js';
import { fullFormat } from '../../image/formats.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { readImageHead } from '../images/image-head.js';
import { broken, incomplete, type Finding } from '../point-fault.js';
import type { StreamFile } from './runs.js';
import { readXml, xmlAttribute, xmlElement, xmlElements } from '../xml-file.js';

const FORMAT = 'virtnbd';
const SECTOR_BYTES = 512;

export interface StreamDisk {
  readonly file: Omit<SourceDisk, 'parentRestorePointId'>;
  /** null: the file says nothing of it. */
  readonly writtenAtMs: number | null;
  readonly parentCheckpoint: string | null;
}

/** What one file of a run shows. In a restored tree it is a full of its disk, under the name of one. */
export async function readStreamDisk(
  facts: FolderFacts,
  { disk, level, entry }: StreamFile,
  definition: ClaimedFile | null,
): Promise<Finding<StreamDisk>> {
  const { path, stamp } = entry;
  const defined = await definedDisks(facts, definition);
  const isRaw = level === 'copy' && defined.some((one) => one.disk === disk && one.isRaw);
  if (isRaw) {
    if (stamp.sizeBytes === 0 || stamp.sizeBytes % SECTOR_BYTES !== 0)
      return incomplete(
        `${path} has ${stamp.sizeBytes} bytes, which is no whole number of sectors`,
      );
    const file = {
      disk,
      path,
      format: 'raw',
      kind: 'full',
      stamp,
      as: `${disk}.copy.data`,
    } as const;
    return { value: { file, writtenAtMs: null, parentCheckpoint: null } };
  }
  if (stamp.sizeBytes === 0) return incomplete(`${path} is empty`);
  const head = await readImageHead(facts, entry, FORMAT);
  if ('fault' in head) return head;
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

/** A disk of the machine, as its definition has it. */
export interface DefinedDisk {
  readonly disk: string;
  /** The tool copies such disks as they are, under a name that tells nothing. What a guest has written to one may look like a stream. */
  readonly isRaw: boolean;
}

/** Without drives, whose media come and go. None where there is no definition that can be read. */
export async function definedDisks(
  facts: FolderFacts,
  definition: ClaimedFile | null,
): Promise<readonly DefinedDisk[]> {
  if (definition === null) return [];
  const found = await facts.fact(definition, 'disks of the machine', async () => {
    const document = await readXml(facts.repository, definition);
    if ('fault' in document) return document;
    const devices = xmlElement(document.value, 'domain', 'devices');
    const value = xmlElements(devices, 'disk').flatMap((element): DefinedDisk[] => {
      const disk = xmlAttribute(xmlElement(element, 'target'), 'dev');
      if (disk === null || DRIVES.includes(xmlAttribute(element, 'device') ?? '')) return [];
      return [{ disk, isRaw: xmlAttribute(xmlElement(element, 'driver'), 'type') === 'raw' }];
    });
    return { value };
  });
  return 'fault' in found ? [] : found.value;
}

const DRIVES = ['cdrom', 'floppy'];
