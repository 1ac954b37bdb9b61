/** Where the time of a copy went, in milliseconds of all its threads together. */
export interface MoverTimes {
  /** Reading the source, with the network that lies before it. */
  readonly sourceMs: number;
  /** Writing to the target, reading back what was written, and making it durable. */
  readonly targetMs: number;
  /** Held back by a rate limit. */
  readonly limitMs: number;
  /** The rest: digests, compression, comparison. */
  readonly processorMs: number;
}

export const NO_TIMES: MoverTimes = { sourceMs: 0, targetMs: 0, limitMs: 0, processorMs: 0 };

/** @param loopMs how long the threads were at work at all. What they wait for may overlap a little (a block is sealed while the next is read), so the
 *  rest is never less than nothing */
export function moverTimes(
  waited: Omit<MoverTimes, 'processorMs'> & { readonly loopMs: number },
): MoverTimes {
  const sourceMs = Math.round(waited.sourceMs);
  const targetMs = Math.round(waited.targetMs);
  const limitMs = Math.round(waited.limitMs);
  const restMs = Math.round(waited.loopMs) - sourceMs - targetMs - limitMs;
  return { sourceMs, targetMs, limitMs, processorMs: Math.max(0, restMs) };
}

export function sumTimes(all: readonly (MoverTimes | null)[]): MoverTimes {
  const sum = (part: keyof MoverTimes) =>
    all.reduce((total, times) => total + (times?.[part] ?? 0), 0);
  return {
    sourceMs: sum('sourceMs'),
    targetMs: sum('targetMs'),
    limitMs: sum('limitMs'),
    processorMs: sum('processorMs'),
  };
}

/** What a thread's time can go to. */
export type MoverPart = 'source' | 'target' | 'limit' | 'processor';

/** Shorter than this, a share says nothing. */
const MIN_MEASURED_MS = 100;

/** The parts with their shares, from 0 to 1, the largest first; empty: too little was measured. */
export function sharesOf(
  times: MoverTimes | null,
): readonly { readonly part: MoverPart; readonly share: number }[] {
  if (times === null) return [];
  const parts = [
    { part: 'source', ms: times.sourceMs },
    { part: 'target', ms: times.targetMs },
    { part: 'limit', ms: times.limitMs },
    { part: 'processor', ms: times.processorMs },
  ] as const;
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0);
  if (totalMs < MIN_MEASURED_MS) return [];
  return parts
    .map(({ part, ms }) => ({ part, share: ms / totalMs }))
    .sort((a, b) => b.share - a.share);
}

const PART_NAMES: Readonly<Record<MoverPart, string>> = {
  source: 'reading',
  target: 'writing',
  limit: 'limit',
  processor: 'processor',
};

/** `reading 71 %, writing 20 %, processor 9 %`; empty: nearly nothing was measured. */
export function shareWords(times: MoverTimes | null): string {
  return sharesOf(times)
    .map(({ part, share }) => [PART_NAMES[part], Math.round(share * 100)] as const)
    .filter(([, percent]) => percent > 0)
    .map(([name, percent]) => `${name} ${percent} %`)
    .join(', ');
}
