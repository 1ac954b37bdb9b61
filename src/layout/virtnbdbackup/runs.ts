import type { ClaimedFile } from '../backup-layout.js';
import { parseStreamName, type StreamName } from './names.js';

export interface StreamFile extends StreamName {
  readonly entry: ClaimedFile;
}

/** What one run of the tool wrote. */
export interface StreamRun {
  readonly level: StreamName['level'];
  /** null: the run made none. */
  readonly checkpoint: string | null;
  /** How the run is called in the names of its companions. */
  readonly idents: readonly string[];
  readonly streams: readonly StreamFile[];
  /** `vmconfig.….xml`; null: it is not there yet. */
  readonly definition: ClaimedFile | null;
}

/** A full removes all checkpoints and begins with the first. */
const FIRST_CHECKPOINT = 'virtnbdbackup.0';

/** The full (or the copy), then the increments by checkpoint, then the differential runs by time. */
export function groupByRun(files: readonly ClaimedFile[]): StreamRun[] {
  const streams = files.flatMap((entry): StreamFile[] => {
    const name = entry.within === entry.name ? parseStreamName(entry.name) : null;
    return name === null ? [] : [{ ...name, entry }];
  });
  const hasFull = streams.some(({ level }) => level === 'full');
  const whole = streams.filter(({ level }) => level === 'full' || level === 'copy');
  const increments = new Map<string, StreamFile[]>();
  for (const stream of streams.filter(({ level }) => level === 'inc'))
    increments.set(stream.ident, [...(increments.get(stream.ident) ?? []), stream]);
  const definition = (ident: string) =>
    files.find(({ within }) => within === `vmconfig.${ident}.xml`) ?? null;
  const runs: StreamRun[] = [];
  if (whole.length > 0) {
    const checkpoint = hasFull ? FIRST_CHECKPOINT : null;
    const ident = checkpoint ?? 'copy';
    runs.push({
      level: hasFull ? 'full' : 'copy',
      checkpoint,
      idents: [ident],
      streams: whole,
      definition: definition(ident),
    });
  }
  for (const [checkpoint, own] of increments)
    runs.push({
      level: 'inc',
      checkpoint,
      idents: [checkpoint],
      streams: own,
      definition: definition(checkpoint),
    });
  return [...runs, ...differentialRuns(streams, files)];
}

/** Each disk and each companion of a differential run is named by the second in which it was begun. A run has every disk once. */
function differentialRuns(
  streams: readonly StreamFile[],
  files: readonly ClaimedFile[],
): StreamRun[] {
  const groups: StreamFile[][] = [];
  const byTime = streams
    .filter(({ level }) => level === 'diff')
    .sort((a, b) => Number(a.ident) - Number(b.ident));
  for (const stream of byTime) {
    const group = groups.at(-1);
    if (group === undefined || group.some(({ disk }) => disk === stream.disk))
      groups.push([stream]);
    else group.push(stream);
  }
  const seconds = files.flatMap(({ name }) => SECONDS.exec(name)?.[1] ?? []);
  return groups.map((own, index) => {
    const from = Number(own[0]!.ident);
    const to = Number(groups[index + 1]?.[0]?.ident ?? Infinity);
    const idents = [...new Set(seconds)].filter(
      (ident) => Number(ident) >= from && Number(ident) < to,
    );
    const definition = files.find(({ within }) =>
      idents.some((ident) => within === `vmconfig.${ident}.xml`),
    );
    return {
      level: 'diff',
      checkpoint: null,
      idents,
      streams: own,
      definition: definition ?? null,
    };
  });
}

const SECONDS = /\.(\d{10})(?:\.|$)/;
