import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { StreamLinks } from '../../image/image-format.js';
import type { PointFault } from '../point-fault.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';

/** A stream as its name and its first records show it. */
export interface NamedStream {
  readonly name: string;
  /** Of its name, without the date. */
  readonly stem: string;
  /** null: its name holds no date. */
  readonly namedAtMs: number | null;
  /** null: nothing can be read of them. */
  readonly links: StreamLinks | null;
  readonly isIncrement: boolean;
}

export interface StreamFile extends TreeFile, NamedStream {
  readonly name: string;
  readonly createdAtMs: number;
  /** null: it is whole. */
  readonly fault: PointFault | null;
}

/** What a stream needs, and what is missing before it. */
interface Footing {
  readonly base: StreamFile | null;
  readonly gap?: string;
}

/** The streams of one workload as points, what one needs before it, otherwise oldest first. An increment needs the stream that brings the state on which it
 *  builds: a full that holds it rather than an increment, of several the oldest, because a later one may list what it does not bring. */
export function linkStreams(files: readonly StreamFile[]): TreePoint[] {
  const byAge = [...files].sort(
    (a, b) => a.createdAtMs - b.createdAtMs || (a.name < b.name ? -1 : 1),
  );
  const footings = withoutCircles(new Map(byAge.map((file) => [file, footingOf(file, byAge)])));
  return basesFirst(byAge, footings).map((file) => pointOf(file, footings.get(file)!));
}

function pointOf(file: StreamFile, { base, gap }: Footing): TreePoint {
  const { fault, stamp, createdAtMs, isIncrement, within } = file;
  const isBad = base !== null && base.fault !== null;
  const told = isBad
    ? `${idOf(base)}, which it needs, is ${base.fault.state}: ${base.fault.reason}`
    : gap;
  return {
    id: idOf(file),
    createdAtMs,
    kind: isIncrement ? 'increment' : 'full',
    needs: base === null ? [] : [idOf(base)],
    state: fault?.state ?? 'complete',
    reason: fault?.reason ?? null,
    files: [within],
    sizeBytes: stamp.sizeBytes,
    ...(told === undefined ? {} : { gap: told }),
    evidence: treeEvidence([file], fault === null ? 'silent' : null),
  };
}

/** What has no date in its name is written again: each time it is another point. */
function idOf({ within, namedAtMs, createdAtMs }: StreamFile): string {
  if (namedAtMs !== null) return within;
  return `${within}@${new Date(createdAtMs).toISOString().slice(0, 19)}`;
}

function footingOf(file: StreamFile, byAge: readonly StreamFile[]): Footing {
  const { links, isIncrement } = file;
  if (!isIncrement) return { base: null };
  if (links === null)
    return { base: null, gap: 'it is packed or encrypted, so nothing tells what it builds on' };
  if (links.isRest === true)
    return { base: null, gap: 'it is the rest of a stream that was broken off, which is not here' };
  const from = links.from!;
  const others = byAge.filter((other) => other !== file && other.links !== null);
  const holding = others.filter((other) => other.links!.holds.includes(from));
  const base =
    best(holding.filter(({ isIncrement: builds }) => !builds)) ??
    best(holding) ??
    others.find((other) => other.links!.isCutShort === true);
  if (base !== undefined) return { base };
  return { base: null, gap: `the ${from} that it builds on is not here` };
}

/** The oldest that is whole, if one is. */
function best(files: readonly StreamFile[]): StreamFile | undefined {
  return files.find(({ fault }) => fault === null) ?? files[0];
}

/** Links come out of files, and may lead anywhere. */
function withoutCircles(footings: Map<StreamFile, Footing>): Map<StreamFile, Footing> {
  const settled = new Set<StreamFile>();
  for (const file of footings.keys()) {
    const climbed = new Set<StreamFile>();
    for (let at: StreamFile | null = file; at !== null && !settled.has(at);) {
      climbed.add(at);
      const { base }: Footing = footings.get(at)!;
      if (base !== null && climbed.has(base)) {
        footings.set(at, { base: null, gap: 'what it builds on builds on it' });
        break;
      }
      at = base;
    }
    for (const one of climbed) settled.add(one);
  }
  return footings;
}

function basesFirst(
  byAge: readonly StreamFile[],
  footings: ReadonlyMap<StreamFile, Footing>,
): StreamFile[] {
  const placed = new Set<StreamFile>();
  for (const file of byAge) {
    const waiting: StreamFile[] = [];
    for (
      let at: StreamFile | null = file;
      at !== null && !placed.has(at);
      at = footings.get(at)!.base
    )
      waiting.push(at);
    for (const one of waiting.reverse()) placed.add(one);
  }
  return [...placed];
}
