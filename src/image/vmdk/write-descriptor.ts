import { BackupError } from '../../domain/errors.js';
import type { FileShape } from '../image-format.js';
import { NO_PARENT } from './descriptor.js';
import { ddbLines, encryptionLines } from './vmdk-dialect.js';
import { SECTOR_BYTES } from './vmdk-bytes.js';

const CONTENT_ID = /^[0-9a-f]{8}$/;
/** What ends a quoted name, or its line. */
const UNQUOTABLE = /["\p{Cc}]/u;

/** The descriptor of a disk that lies in one file, padded with zeros.
 *  @throws IMAGE_LIMIT_EXCEEDED when the name of the parent cannot stand in it */
export function writeDescriptor(shape: FileShape, sizeBytes: number): Uint8Array {
  const { virtualSizeBytes, parent, seed, linkId, fileName, dialect } = shape;
  const cid = contentId(linkId ?? cidOfSeed(seed));
  const lines = [
    '# Disk DescriptorFile', // libvmdk knows a descriptor by this line
    'version=1',
    'encoding="UTF-8"',
    `CID=${cid}`,
    `parentCID=${parent === null ? NO_PARENT : contentId(parent.linkId)}`,
    'createType="monolithicSparse"',
    ...encryptionLines(dialect),
    ...(parent === null ? [] : [`parentFileNameHint="${parent.link}"`]),
    '',
    '# Extent description',
    `RW ${virtualSizeBytes / SECTOR_BYTES} SPARSE "${fileName}"`,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    ...ddbLines(dialect, virtualSizeBytes),
    `ddb.longContentID = "${seed.slice(0, 24)}${cid}"`, // ends with the content id
    '',
  ];
  const text = new TextEncoder().encode(lines.join('\n'));
  const names = [fileName, parent?.link ?? ''];
  if (text.length > sizeBytes || names.some((name) => UNQUOTABLE.test(name)))
    throw new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `the names of the file and its parent do not fit in a VMDK descriptor of ${sizeBytes} bytes`,
      { details: { name: fileName, parent: parent?.link ?? null } },
    );
  const padded = new Uint8Array(sizeBytes);
  padded.set(text);
  return padded;
}

/** `ffffffff` says that there is no parent. */
function cidOfSeed(seed: string): string {
  const cid = seed.slice(0, 8);
  return cid === NO_PARENT ? 'fffffffe' : cid;
}

function contentId(id: string | null): string {
  if (id === null || !CONTENT_ID.test(id)) throw new Error(`plan: ${id} is no content id`);
  return id;
}
