/** `backup.control` of pg_probackup: `key = value`, a line each, texts in single quotes.
 *  Source: pg_probackup src/catalog.c (pgBackupWriteControl, readBackupControlFile), src/status.c; no catalogue that pg_probackup wrote was at hand. */

export interface ProbackupBackup {
  /** `OK`, `DONE` (not validated), `RUNNING`, `ERROR`, `CORRUPT`, `ORPHAN`, `MERGING`, `MERGED`, `DELETING`, `DELETED`. */
  readonly status: string;
  /** Id of the backup that it builds on, page by page. null: it is a full. */
  readonly parent: string | null;
  /** Epoch milliseconds. null: it does not say. */
  readonly endedAtMs: number | null;
  /** The log that it needs lies in it, and not in the archive. */
  readonly hasOwnLog: boolean;
  /** Positions in bytes. null: it does not say. */
  readonly log: { readonly timeline: number; readonly from: number; readonly to: number } | null;
  readonly sizeBytes: number;
}

/** Seconds since 1970 to the base of 36: six digits until 2038. */
const ID = /^[0-9A-Z]{6,7}$/;

export function isProbackupId(name: string): boolean {
  return ID.test(name);
}

/** When a backup began, which its id tells. */
export function probackupIdMs(id: string): number {
  return Number.parseInt(id, 36) * 1000;
}

/** null: it is none, or cut off before all of it that counts. */
export function parseProbackupControl(text: string): ProbackupBackup | null {
  const values = valuesOf(text);
  const status = values.get('status');
  const mode = values.get('backup-mode');
  if (status === undefined || mode === undefined) return null;
  const named = values.get('parent-backup-id') ?? '';
  const parent = isProbackupId(named) ? named : null;
  // It is written behind the state.
  if (mode !== 'FULL' && parent === null) return null;
  const timeline = Number(values.get('timelineid') ?? 0);
  const [from, to] = [positionOf(values.get('start-lsn')), positionOf(values.get('stop-lsn'))];
  const times = ['recovery-time', 'end-time', 'start-time'].map((key) => timeMs(values.get(key)));
  return {
    ...{ status, parent: mode === 'FULL' ? null : parent },
    endedAtMs: times.find((ms) => ms !== null) ?? null,
    hasOwnLog: values.get('stream') === 'true',
    log: timeline > 0 && from > 0 && to > from ? { timeline, from, to } : null,
    sizeBytes: bytesOf(values.get('data-bytes')) + bytesOf(values.get('wal-bytes')),
  };
}

/** Size of a segment, as the configuration of an instance says; null: it does not. */
export function segmentBytesIn(configuration: string): number | null {
  return bytesOf(valuesOf(configuration).get('xlog-seg-size')) || null;
}

function valuesOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const found = /^(?<key>[\w-]+) *= *(?<value>.*?)\s*$/.exec(line)?.groups;
    if (found !== undefined) values.set(found.key!, found.value!.replace(/^'(.*)'$/, '$1'));
  }
  return values;
}

/** `0/2000028`; 0: none. */
function positionOf(text = ''): number {
  const parts = /^(?<high>[0-9A-F]{1,8})\/(?<low>[0-9A-F]{1,8})$/i.exec(text)?.groups;
  if (parts === undefined) return 0;
  return Number.parseInt(parts.high!, 16) * 2 ** 32 + Number.parseInt(parts.low!, 16);
}

/** `2026-11-24 21:00:00+00`, also with minutes of the zone. */
function timeMs(text = ''): number | null {
  const iso = text.replace(' ', 'T').replace(/([+-]\d\d)(\d\d)?$/, (_, hours, minutes = '00') => {
    return `${hours}:${minutes}`;
  });
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}

function bytesOf(digits = ''): number {
  const bytes = Number(digits);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0;
}
