import type { TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { historyTimeline, segmentsPerLog, type TimelineOrigin } from './wal-names.js';

/** A line for each switch of timelines; some hundred of them are many. */
const MAX_HISTORY_BYTES = 64 * 1024;

/** Where timelines have begun, by their history files. Those that are compressed are not read.
 *  Where a stanza holds two systems, each has numbers of its own, and one that comes twice tells nothing.
 *  @param wanted the timelines of which segments are there
 *  Source: PostgreSQL src/backend/access/transam/timeline.c (readTimeLineHistory). */
export async function timelineOrigins(
  reader: TreeReader,
  files: readonly TreeFile[],
  wanted: ReadonlySet<number>,
  segmentBytes: number,
): Promise<Map<number, TimelineOrigin[]>> {
  const origins = new Map<number, TimelineOrigin[]>();
  const seen = new Set<number>();
  for (const { name, path } of files) {
    const timeline = historyTimeline(name);
    if (timeline === null || !wanted.has(timeline) || !name.endsWith('.history')) continue;
    if (seen.has(timeline)) {
      origins.delete(timeline);
      continue;
    }
    seen.add(timeline);
    const bytes = await reader.orTell(() => reader.read(path, 0, MAX_HISTORY_BYTES));
    if (bytes === null) continue;
    const own = parseHistory(new TextDecoder('latin1').decode(bytes), segmentBytes);
    if (own !== null) origins.set(timeline, own);
  }
  return origins;
}

/** The timelines that one has come from, oldest first. null: that is no history.
 *  @param text for each of them its number and the position at which it was left (`1<tab>0/1000000<tab>reason`) */
export function parseHistory(text: string, segmentBytes: number): TimelineOrigin[] | null {
  const origins: TimelineOrigin[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const parts = /^\s*(?<timeline>\d{1,10})\s+(?<high>[0-9A-F]{1,8})\/(?<low>[0-9A-F]{1,8})/i.exec(
      line,
    )?.groups;
    if (parts === undefined) return null;
    const [high, low] = [parts.high, parts.low].map((digits) => Number.parseInt(digits ?? '', 16));
    const place = high! * segmentsPerLog(segmentBytes) + Math.floor(low! / segmentBytes);
    origins.push({ timeline: Number(parts.timeline), place });
  }
  return origins.length === 0 ? null : origins;
}
