/** `backup.info` of Barman: `key=value`, a line each; what is no text is written as Python shows it.
 *  Source: Barman barman/infofile.py (FieldListFile, BackupInfo, LocalBackupInfo); files that Barman 3.4 wrote. */

import { isSegmentSize, parseSegment } from './wal-names.js';

export interface BarmanBackup {
  /** `EMPTY`, `STARTED`, `FAILED`, `WAITING_FOR_WALS`, `SYNCING`, `DONE`. */
  readonly status: string;
  /** Why it has failed. null: Barman does not say. */
  readonly error: string | null;
  /** Epoch milliseconds. null: it does not say. */
  readonly endedAtMs: number | null;
  /** Segments from which to which it needs the log. null: it does not say. */
  readonly wal: { readonly start: string; readonly stop: string } | null;
  /** Id of the backup that it builds on, block by block. null: it is a full. */
  readonly parent: string | null;
  readonly sizeBytes: number;
  /** Numbers of its tablespaces beside the usual ones, which name their folders or tars. */
  readonly tablespaces: readonly string[];
  /** null: it does not say. */
  readonly segmentBytes: number | null;
}

const BACKUP_ID = /^\d{8}T\d{6}$/;

export function isBarmanId(name: string): boolean {
  return BACKUP_ID.test(name);
}

/** null: it is none, or cut off before its state. */
export function parseBarmanInfo(text: string): BarmanBackup | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1).trim());
  }
  const value = (key: string): string | null => {
    const found = values.get(key);
    return found === undefined || found === 'None' || found === '' ? null : found;
  };
  const status = value('status');
  if (status === null) return null;
  const [start, stop, parent] = [value('begin_wal'), value('end_wal'), value('parent_backup_id')];
  const isNamed = (name: string | null): name is string =>
    name !== null && parseSegment(name) !== null;
  const endedAtMs = Date.parse((value('end_time') ?? '').replace(' ', 'T'));
  const segmentBytes = Number(value('xlog_segment_size') ?? NaN);
  return {
    ...{ status, error: value('error') },
    endedAtMs: Number.isNaN(endedAtMs) ? null : endedAtMs,
    wal: isNamed(start) && isNamed(stop) ? { start, stop } : null,
    parent: parent !== null && isBarmanId(parent) ? parent : null,
    tablespaces: tablespacesOf(value('tablespaces') ?? ''),
    sizeBytes: bytesOf(value('deduplicated_size')) ?? bytesOf(value('size')) ?? 0,
    segmentBytes: isSegmentSize(segmentBytes) ? segmentBytes : null,
  };
}

/** `[('fast', 16385, '/srv/fast')]`: name, number, place of each. */
function tablespacesOf(list: string): string[] {
  const each = /\(\s*u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"),\s*(?<number>\d+),/g;
  return [...list.matchAll(each)].map(({ groups }) => groups!.number!);
}

function bytesOf(digits: string | null): number | null {
  const bytes = Number(digits ?? NaN);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
}
