import { createHash } from 'node:crypto';
import type { ByteSource } from '../../image/byte-source.js';

/** What `backup_manifest` lists, file by file, for backups that lie there as the files of a cluster.
 *  Source: PostgreSQL documentation, Backup Manifest Format; src/bin/pg_verifybackup (what it passes over). */
interface ManifestFiles {
  /** It has its end, and the SHA-256 that stands there. */
  readonly isWhole: boolean;
  /** Size by path. */
  readonly files: ReadonlyMap<string, number>;
  /** Positions of the log from which to which the backup needs it (`0/900028`), of each timeline. */
  readonly ranges: readonly WalRange[];
}

export interface WalRange {
  readonly timeline: number;
  readonly from: string;
  readonly to: string;
}

const PIECE_BYTES = 1024 * 1024;
/** Of a cluster with some million files. */
export const MAX_MANIFEST_BYTES = 1024 ** 3;

const END = /^"Manifest-Checksum": "(?<sha256>[0-9a-f]{64})"\}$/;
const POSITION = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/;

export async function readManifestFiles(source: ByteSource): Promise<ManifestFiles> {
  const files = new Map<string, number>();
  const ranges: WalRange[] = [];
  const hash = createHash('sha256');
  let isWhole = false;
  for await (const line of linesOf(source)) {
    const claimed = END.exec(line)?.groups?.sha256;
    if (claimed !== undefined) isWhole = hash.digest('hex') === claimed;
    if (claimed !== undefined) break;
    hash.update(`${line}\n`, 'latin1');
    const entry = entryOf(line);
    const path = pathOf(entry);
    if (path !== null && typeof entry['Size'] === 'number') files.set(path, entry['Size']);
    const [timeline, from, to] = [entry['Timeline'], entry['Start-LSN'], entry['End-LSN']];
    if (typeof timeline === 'number' && isPosition(from) && isPosition(to))
      ranges.push({ timeline, from, to });
  }
  return { isWhole, files, ranges };
}

async function* linesOf(source: ByteSource): AsyncGenerator<string> {
  let rest = '';
  for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, source.sizeBytes - at));
    await source.read(piece, at);
    // Digests are of bytes: text comes of them a line at a time.
    const lines = (rest + piece.toString('latin1')).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function entryOf(line: string): Readonly<Record<string, unknown>> {
  if (!line.startsWith('{ "') || !/\}\s*,?$/.test(line)) return {};
  try {
    const text = Buffer.from(line.replace(/,$/, ''), 'latin1').toString('utf8');
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** null: it is no file, or its name is no text, which no path here has. */
function pathOf(entry: Readonly<Record<string, unknown>>): string | null {
  const path = entry['Path'];
  return typeof path === 'string' ? path : null;
}

function isPosition(value: unknown): value is string {
  return typeof value === 'string' && POSITION.test(value);
}

/** The same for the same files of the same sizes, in any order. */
export function digestOfFiles(files: Iterable<readonly [path: string, sizeBytes: number]>): string {
  const lines = [...files]
    .filter(([path]) => !isPassedOver(path))
    .map(([path, sizeBytes]) => `${path}\0${sizeBytes}\n`)
    .sort();
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return hash.digest('hex');
}

/** What the manifest does not list, or what is written to behind it (`-R`). */
function isPassedOver(path: string): boolean {
  return /^(?:backup_manifest|postgresql\.auto\.conf|standby\.signal|recovery\.signal)$|^pg_wal\//.test(
    path,
  );
}

/** The first of these files that is not there with its size. null: all are.
 *  @param there size by path */
export function firstLacking(
  files: ReadonlyMap<string, number>,
  there: ReadonlyMap<string, number>,
): string | null {
  for (const [path, sizeBytes] of files)
    if (!isPassedOver(path) && there.get(path) !== sizeBytes) return path;
  return null;
}
