import { isWrittenAsNamed, zoneMs, type Closing } from './rman-clock.js';

/** What has to be added to the times in names of files that were written at a time. */
export type Turn = (writtenMs: number) => number;

/** Where the clock of the database's machine was wrong and that of its storage was right, autobackups one after the other were written as long after the time in their
 *  names, or before it, by more than any zone or by another than most: their names are put right by it. Of one alone only a time to come shows that; one that is late may as
 *  well have been brought here without its time, as all files of a copy are.
 *  @returns as far as files show it; and the same with each that is late alone, where there are such */
export function turnsOf(autobackups: readonly Closing[]): readonly [Turn] | readonly [Turn, Turn] {
  const ordered = [...autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  const zone = commonest(ordered.filter(isWrittenAsNamed).map((one) => zoneMs(lateMs(one))));
  const isRight = (one: Closing): boolean =>
    isWrittenAsNamed(one) && Math.abs(zoneMs(lateMs(one)) - zone) <= SUMMER_MS;
  const named = ordered.filter(isRight);
  const others = ordered.filter((one) => !isRight(one));
  const steady = others.filter((one) => {
    const index = ordered.indexOf(one);
    return [ordered[index - 1], ordered[index + 1]].some((near) => near && isSteady(one, near));
  });
  const loose = others.filter((one) => !steady.includes(one));
  const isAlone = (one: Closing): boolean =>
    loose.every(
      (other) => other === one || Math.abs(other.writtenMs - one.writtenMs) > TOGETHER_MS,
    );
  const alone = named.length >= loose.length ? loose.filter(isAlone) : [];
  const turnBy = (turned: ReadonlySet<Closing>): Turn => {
    if (turned.size === 0) return () => 0;
    return (writtenMs) => {
      const near = nextOf(ordered, writtenMs);
      if (near === undefined || !turned.has(near)) return 0;
      const right = nextOf(named, writtenMs);
      return lateMs(near) - (right === undefined ? 0 : zoneMs(lateMs(right)));
    };
  };
  const early = alone.filter((one) => lateMs(one) < 0);
  const shown = turnBy(new Set([...steady, ...early]));
  return early.length === alone.length ? [shown] : [shown, turnBy(new Set([...steady, ...alone]))];
}

function lateMs({ atMs, writtenMs }: Closing): number {
  return writtenMs - atMs;
}

/** A clock that nobody sets stays as wrong as it is; and what is copied has the files of hours within minutes. */
function isSteady(one: Closing, other: Closing): boolean {
  return (
    Math.abs(lateMs(one) - lateMs(other)) <= STEADY_MS &&
    Math.abs(one.writtenMs - other.writtenMs) >= APART_MS
  );
}

/** 0: there is none. */
function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

const STEADY_MS = 60_000;
const APART_MS = 10 * 60_000;
/** The most that any zone puts its clocks forward in spring (Antarctica/Troll). */
const SUMMER_MS = 2 * 60 * 60_000;
/** What is copied at once is written so soon one after the other. */
const TOGETHER_MS = 60 * 60_000;

function nextOf(ordered: readonly Closing[], writtenMs: number): Closing | undefined {
  return ordered.find((one) => one.writtenMs >= writtenMs) ?? ordered.at(-1);
}
