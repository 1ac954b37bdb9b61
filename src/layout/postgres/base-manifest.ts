import type { ReadableFile } from '../../repository/backup-repository.js';
import type { ClaimedFile } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { broken, faultOfError, incomplete, type Finding } from '../point-fault.js';

/** What `backup_manifest` says of a backup of pg_basebackup. */
interface BaseManifest {
  readonly isIncremental: boolean;
  /** It has its end. */
  readonly isWhole: boolean;
  /** Numbers of the further tablespaces that files of the backup lie in. */
  readonly tablespaces: readonly string[];
}

const PIECE_BYTES = 256 * 1024;
/** A path has at most 1,024 bytes (MAXPGPATH), each of which JSON may write as six. */
const OVERLAP = 8 * 1024;
const END_CHARACTERS = 200;
/** Far more than any cluster has. */
const MAX_TABLESPACES = 10_000;

const INCREMENTAL = /"Path":\s*"(?:[^"]*\/)?INCREMENTAL\./;
const TABLESPACE = /"pg_tblspc\/(\d{1,10})\//g;
const END = /"Manifest-Checksum":\s*"[0-9a-f]{64}"\s*\}\s*$/;

/** Read in pieces: it has a line for each file of the cluster, of which there may be millions.
 *  Source: PostgreSQL documentation, Backup Manifest Format. */
export function readBaseManifest(
  facts: FolderFacts,
  manifest: ClaimedFile,
): Promise<Finding<BaseManifest>> {
  return facts.fact(manifest, 'kind, end and tablespaces of a manifest', async () => {
    try {
      const file = await facts.repository.openRead(manifest.path);
      try {
        return await readPieces(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      return faultOfError(error);
    }
  });
}

/** Of some fifty million files. */
const MAX_BYTES = 8 * 1024 ** 3;

async function readPieces(file: ReadableFile): Promise<Finding<BaseManifest>> {
  const { sizeBytes } = await file.stamp();
  if (sizeBytes > MAX_BYTES) return broken(`${file.path} is larger than any manifest`);
  const piece = Buffer.alloc(PIECE_BYTES);
  const tablespaces = new Set<string>();
  let [isIncremental, text] = [false, ''];
  for (let at = 0; at < sizeBytes;) {
    const count = await file.read(piece, at);
    if (count === 0) return incomplete(`${file.path} became shorter while it was read`);
    at += count;
    text = text.slice(-OVERLAP) + piece.toString('latin1', 0, count);
    isIncremental ||= INCREMENTAL.test(text);
    for (const [, number = ''] of text.matchAll(TABLESPACE)) tablespaces.add(number);
    if (tablespaces.size > MAX_TABLESPACES)
      return broken(`${file.path} names more than ${MAX_TABLESPACES} tablespaces`);
  }
  const isWhole = END.test(text.slice(-END_CHARACTERS));
  return { value: { isIncremental, isWhole, tablespaces: [...tablespaces] } };
}
