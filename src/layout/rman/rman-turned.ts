import { isWrittenAsNamed, nextOf, zoneMs, type AreaFile, type Closing } from './rman-clock.js';
import { withRightTimes } from './rman-storage-clock.js';

/** What has to be added to the times in names of files that were written at a time. */
export type Turn = (writtenMs: number) => number;

/** A way to put the files of an area in order. */
export interface Order {
  readonly files: readonly AreaFile[];
  readonly turnMs: Turn;
  /** It is the one that holds if another clock was wrong. Absent: if files were not brought here. */
  readonly isOtherClock?: true;
}

/** Autobackups that were written as long after the time in their names, or before it. */
type Stretch = readonly Closing[];

/** Where a clock was wrong for a while, that of the database's machine or that of its storage, autobackups were written as long after the time in their names, or before it, by more than any zone or
 *  by another than most. Which clock it was the right ones tell (\`wrongClock\`): then names, or times of files, are put right. Where they do not tell, both orders are possible; and so they are of one
 *  that is late alone, for it may as well have been brought here without its time, as all files of a copy are. Of minutes nobody asks: the times of files are taken as they are.
 *  @returns as far as files show it; and, where they do not, the other order */
export function ordersOf(
  files: readonly AreaFile[],
  autobackups: readonly Closing[],
): readonly [Order] | readonly [Order, Order] {
  const ordered = [...autobackups].sort((a, b) => a.writtenMs - b.writtenMs);
  const zone = commonest(ordered.filter(isWrittenAsNamed).map((one) => zoneMs(lateMs(one))));
  const isRight = (one: Closing): boolean =>
    isWrittenAsNamed(one) && Math.abs(zoneMs(lateMs(one)) - zone) <= SUMMER_MS;
  const right = ordered.filter(isRight);
  const { steady, alone } = stretchesOf(ordered.filter((one) => !isRight(one)));
  const lone = right.length >= alone.all ? alone.apart : [];
  const isSmall = (one: Closing): boolean => {
    const near = nextOf(right, one.writtenMs);
    return near !== undefined && Math.abs(lateMs(one) - lateMs(near)) < SMALL_MS;
  };
  const late = lone.filter((one) => lateMs(one) >= 0 && !isSmall(one));
  const wrong: Stretch[] = [
    ...steady,
    ...lone.filter((one) => lateMs(one) < 0).map((one) => [one]),
  ];
  const of = (clock: WrongClock): Stretch[] =>
    wrong.filter(
      (stretch) => (stretch.every(isSmall) ? 'database' : wrongClock(stretch, right)) === clock,
    );
  const orderBy = (database: readonly Stretch[], storage: readonly Stretch[]): Order => ({
    turnMs: turnBy(new Set(database.flat()), ordered, right),
    files: storage.reduce<readonly AreaFile[]>((all, stretch) => {
      const aheadMs = lateMs(stretch[0]!) - zone;
      return withRightTimes(all, { stretch, aheadMs, zoneMs: zone, autobackups, right });
    }, files),
  });
  const [ofDatabase, ofStorage, ofEither] = [of('database'), of('storage'), of('either')];
  const shown = orderBy([...ofDatabase, ...ofEither], ofStorage);
  if (ofEither.length + late.length === 0) return [shown];
  const other = orderBy([...ofDatabase, late], [...ofStorage, ...ofEither]);
  return [shown, ofEither.length === 0 ? other : { ...other, isOtherClock: true }];
}

type WrongClock = 'database' | 'storage' | 'either';

/** While a clock is wrong it is wrong for all: in true order no right one lies within a stretch. Where right ones do by the times in names, and none does by the times of files, these are right, and the
 *  clock of the database was wrong; and the other way round. */
function wrongClock(stretch: Stretch, right: readonly Closing[]): WrongClock {
  // Then all are as wrong, and in order.
  if (right.length === 0) return 'database';
  const byNames = isParted(stretch, right, ({ atMs }) => atMs);
  const byFiles = isParted(stretch, right, ({ writtenMs }) => writtenMs);
  return byNames === byFiles ? 'either' : byNames ? 'database' : 'storage';
}

function isParted(
  stretch: Stretch,
  right: readonly Closing[],
  msOf: (one: Closing) => number,
): boolean {
  const times = stretch.map(msOf);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return right.some((one) => msOf(one) > first && msOf(one) < last);
}

/** A clock that nobody sets stays as wrong as it is; and what is copied has the files of hours within minutes.
 *  @returns beside the stretches how many there are in none, and those of them that were not written beside others */
function stretchesOf(wrong: readonly Closing[]): {
  readonly steady: Stretch[];
  readonly alone: { readonly all: number; readonly apart: readonly Closing[] };
} {
  const groups: Closing[][] = [];
  for (const one of [...wrong].sort((a, b) => lateMs(a) - lateMs(b))) {
    const open = groups.at(-1);
    if (open !== undefined && lateMs(one) - lateMs(open.at(-1)!) <= STEADY_MS) open.push(one);
    else groups.push([one]);
  }
  const isSteady = (group: Stretch): boolean => {
    const times = group.map(({ writtenMs }) => writtenMs);
    return Math.max(...times) - Math.min(...times) >= APART_MS;
  };
  const others = groups.filter((group) => !isSteady(group)).flat();
  const apart = others.filter((one) =>
    others.every(
      (other) => other === one || Math.abs(other.writtenMs - one.writtenMs) > TOGETHER_MS,
    ),
  );
  return { steady: groups.filter(isSteady), alone: { all: others.length, apart } };
}

function turnBy(
  turned: ReadonlySet<Closing>,
  ordered: readonly Closing[],
  right: readonly Closing[],
): Turn {
  if (turned.size === 0) return () => 0;
  return (writtenMs) => {
    const near = nextOf(ordered, writtenMs);
    if (near === undefined || !turned.has(near)) return 0;
    const next = nextOf(right, writtenMs);
    return lateMs(near) - (next === undefined ? 0 : zoneMs(lateMs(next)));
  };
}

function lateMs({ atMs, writtenMs }: Closing): number {
  return writtenMs - atMs;
}

/** 0: there is none. */
function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

/** Clocks that nobody sets differ by so much, and a large control file takes minutes. */
const SMALL_MS = 15 * 60_000;
const STEADY_MS = 60_000;
const APART_MS = 10 * 60_000;
/** The most that any zone puts its clocks forward in spring (Antarctica/Troll). */
const SUMMER_MS = 2 * 60 * 60_000;
/** What is copied at once is written so soon one after the other. */
const TOGETHER_MS = 60 * 60_000;
