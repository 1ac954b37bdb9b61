import { isRunTime } from './names.js';

/** Disks of one machine, as far as checkpoints and OVF files tell. */
export interface DiskSet {
  readonly disks: ReadonlySet<string>;
  /** Machines whose OVF files name one of the disks. */
  readonly owners: ReadonlySet<string>;
}

interface TimedSet extends DiskSet {
  /** Of its runs without checkpoints. */
  readonly times: ReadonlySet<string>;
}

/** Sets that share a run without checkpoints, made one where they may belong to one machine. Such a run is known by its second, and runs of two machines may
 *  begin in one. Sets that OVF files give to different machines stay apart, and those whose times contradict each other: each has a time that the
 *  other lacks, and one of these lies within the time for which both were there. A disk that was added, that was taken away or whose run failed
 *  lacks times as well, but only it does, or before and after the other alone. */
export function joinedByTime(
  sets: readonly DiskSet[],
  disksOfPoint: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string>[] {
  const runs = [...disksOfPoint].filter(([pointId]) => isRunTime(pointId));
  const timesOf = ({ disks }: DiskSet) =>
    new Set(
      runs.flatMap(([pointId, own]) => ([...own].some((disk) => disks.has(disk)) ? [pointId] : [])),
    );
  let joined: TimedSet[] = [];
  for (const set of sets) {
    let whole: TimedSet = { ...set, times: timesOf(set) };
    // What it was joined with may fit another that it did not fit alone.
    for (;;) {
      const fitting = joined.find((other) => mayBeOne(whole, other));
      if (fitting === undefined) break;
      joined = joined.filter((other) => other !== fitting);
      whole = {
        disks: union(fitting.disks, whole.disks),
        owners: union(fitting.owners, whole.owners),
        times: union(fitting.times, whole.times),
      };
    }
    joined.push(whole);
  }
  return joined.map(({ disks }) => disks);
}

function mayBeOne(one: TimedSet, other: TimedSet): boolean {
  const isShared = [...one.times].some((time) => other.times.has(time));
  const areTwo =
    one.owners.size > 0 &&
    other.owners.size > 0 &&
    ![...one.owners].some((owner) => other.owners.has(owner));
  return isShared && !areTwo && !contradict(one.times, other.times);
}

/** The names of runs sort like their times. */
function contradict(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const alone = [...one].filter((time) => !other.has(time));
  const others = [...other].filter((time) => !one.has(time));
  if (alone.length === 0 || others.length === 0) return false;
  const [a, b] = [[...one].sort(), [...other].sort()];
  const from = a[0]! > b[0]! ? a[0]! : b[0]!;
  const to = a.at(-1)! < b.at(-1)! ? a.at(-1)! : b.at(-1)!;
  return [...alone, ...others].some((time) => time >= from && time <= to);
}

function union(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...one, ...other]);
}
