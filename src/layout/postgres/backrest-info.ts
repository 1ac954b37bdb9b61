import { createHash } from 'node:crypto';

/** Information files of pgBackRest: sections of `key=<JSON>`, and a SHA-1 over all of them.
 *  Source: pgbackrest src/info/info.c (infoNewLoad, infoSave); the digest was checked on five real files. */
type InfoSections = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** Every file of an encrypted repository begins like this. */
export function isEncrypted(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 8)) === 'Salted__';
}

/** @returns null: cut off, changed, or no such file */
export function parseInfo(text: string): InfoSections | null {
  const sections = new Map<string, Map<string, unknown>>();
  const hash = createHash('sha1').update('{');
  let claimed: unknown = null;
  let section = '';
  let open = false;
  let isFirst = true;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const name = /^\[(.+)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      if (open) hash.update('}');
      section = name;
      open = false;
      continue;
    }
    const at = line.indexOf('=');
    if (at < 1 || section === '') return null;
    const [key, json] = [line.slice(0, at), line.slice(at + 1)];
    const value = parsed(json);
    if (value === undefined) return null;
    if (section === 'backrest' && key === 'backrest-checksum') {
      claimed = value;
      continue;
    }
    hash.update(open ? ',' : `${isFirst ? '' : ','}"${section}":{`);
    hash.update(`"${key}":${json}`);
    open = true;
    isFirst = false;
    const values = sections.get(section) ?? new Map<string, unknown>();
    sections.set(section, values.set(key, value));
  }
  hash.update(open ? '}}' : '}');
  return hash.digest('hex') === claimed ? sections : null;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** A backup as `backup.info` lists it. */
export interface ListedBackup {
  readonly label: string;
  readonly kind: 'full' | 'diff' | 'incr';
  /** Labels of the backups that hold files of it. */
  readonly references: readonly string[];
  readonly endedAtMs: number;
  readonly sizeBytes: number;
  readonly error: boolean;
  /** Segments from which to which it needs the log; null: it was taken offline. */
  readonly wal: { readonly start: string; readonly stop: string } | null;
  /** Where the log began, as `<high>/<low>`: with the segment it tells the size of segments. */
  readonly startLsn: string | null;
}

const LABEL = /^\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?$/;

export function isBackupLabelName(name: string): boolean {
  return LABEL.test(name);
}

/** Those whose labels are none are left out: a label is a folder’s name. */
export function listedBackups(info: InfoSections): ListedBackup[] {
  const backups: ListedBackup[] = [];
  for (const [label, value] of info.get('backup:current') ?? []) {
    if (!isBackupLabelName(label) || typeof value !== 'object' || value === null) continue;
    const fields = value as Record<string, unknown>;
    const kind = (['full', 'diff', 'incr'] as const).find((one) => one === fields['backup-type']);
    if (kind === undefined) continue;
    const references = fields['backup-reference'];
    const [start, stop] = [fields['backup-archive-start'], fields['backup-archive-stop']];
    const lsn = fields['backup-lsn-start'];
    backups.push({
      ...{ label, kind },
      references: Array.isArray(references)
        ? references.filter((one) => typeof one === 'string' && isBackupLabelName(one))
        : [],
      endedAtMs: secondsOf(fields['backup-timestamp-stop']) * 1000,
      sizeBytes: secondsOf(fields['backup-info-repo-size-delta']),
      error: fields['backup-error'] === true,
      wal: typeof start === 'string' && typeof stop === 'string' ? { start, stop } : null,
      startLsn: typeof lsn === 'string' ? lsn : null,
    });
  }
  return backups;
}

function secondsOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
