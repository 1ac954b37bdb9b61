import type { TreePoint } from '../../domain/trees/source-tree.js';
import { isAboutLargest } from '../../domain/trees/needed-points.js';
import { MAX_RUN_MS } from '../names/dated-folders.js';
import { writtenAtMs } from '../names/named-date.js';
import { parentFolder } from '../../repository/repository-path.js';
import { dateInPathMs } from '../trees/backup-folders.js';
import type { TreeFile } from '../trees/tree-files.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import { NO_LEVEL_0 } from './rman-area.js';
import { freeAutobackup, isControlLike, namedLevel } from './rman-names.js';
import { RUNS_APART_MS } from './rman-runs.js';
import { oldestFirst } from '../trees/point-order.js';
import { DAY_MS } from '../../domain/elapsed.js';

/** Points of a folder with names of free formats, oldest first: what was written up to each autobackup of the control file, since the one before of the same
 *  database; where there are none, up to each file that is called a control file. Which of them build on others only RMAN knows. So that retention parts none from its level 0, each needs the one before it, back to
 *  one that is called a level 0 or a full and is about as large as those before it: a large one may as well be a level 1 after a great load, and kept too long is a lesser fault than gone too early. */
export function freePoints(files: readonly TreeFile[]): TreePoint[] {
  const clock = clockOf(files);
  const hasAutobackups = files.some(({ name }) => freeAutobackup(name) !== null);
  const closes = (name: string): string | null =>
    hasAutobackups
      ? (freeAutobackup(name)?.databaseId ?? null)
      : isControlLike(name)
        ? NO_ID
        : null;
  // Of what was written at one time a control file was last.
  const rank = ({ name }: TreeFile): number => (closes(name) === null ? 0 : 1);
  const ordered = [...files].sort(
    (a, b) =>
      clock(a) - clock(b) ||
      rank(a) - rank(b) ||
      writtenAtMs([a]) - writtenAtMs([b]) ||
      (a.name < b.name ? -1 : 1),
  );
  const ids = new Set(ordered.flatMap(({ name }) => closes(name) ?? []));
  const points = [...ids].flatMap((id) => pointsOfDatabase(id, ordered, { ids, closes, clock }));
  const listed = new Set(points.flatMap((point) => point.files ?? []));
  const waiting = ordered.filter(({ within }) => !listed.has(within));
  points.sort(oldestFirst);
  return waiting.length > 0 ? [...points, openPoint(waiting, clock)] : points;
}

/** Control files that are no autobackups do not tell whose they are. */
const NO_ID = '';

/** What names and folders tell of the files of a folder. */
interface Told {
  /** Of all its databases. */
  readonly ids: ReadonlySet<string>;
  readonly clock: Clock;
  /** The id of the database whose control file it is; null: it is none. */
  readonly closes: (name: string) => string | null;
}

/** When a file was written; epoch milliseconds. */
type Clock = (file: TreeFile) => number;

/** Files in the folder of a date that were all written at one time, long after it or before it, were brought here without their times: the date tells more. */
function clockOf(files: readonly TreeFile[]): Clock {
  const inPlaces = new Map<string, TreeFile[]>();
  for (const file of files) {
    const place = parentFolder(file.within);
    const known = inPlaces.get(place);
    if (known === undefined) inPlaces.set(place, [file]);
    else known.push(file);
  }
  const dates = new Map<string, number>();
  for (const [place, own] of inPlaces) {
    const dateMs = dateInPathMs(place);
    if (dateMs !== null && areBrought(own, dateMs)) dates.set(place, dateMs);
  }
  return (file) => dates.get(parentFolder(file.within)) ?? writtenAtMs([file]);
}

/** A folder that is used on and on, as `PROD_20230315`, has files of many days, or an autobackup that was written on the day that it names. */
function areBrought(files: readonly TreeFile[], dateMs: number): boolean {
  let firstMs = Infinity;
  let lastMs = -Infinity;
  for (const file of files) {
    const ms = writtenAtMs([file]);
    if (ms >= dateMs - DAY_MS && ms <= dateMs + MAX_RUN_MS) return false;
    firstMs = Math.min(firstMs, ms);
    lastMs = Math.max(lastMs, ms);
  }
  return lastMs - firstMs <= MAX_RUN_MS && !files.some(isOfItsDay);
}

function isOfItsDay(file: TreeFile): boolean {
  const day = freeAutobackup(file.name)?.day;
  if (day === undefined) return false;
  const dayMs = Date.UTC(
    Number(day.slice(0, 4)),
    Number(day.slice(4, 6)) - 1,
    Number(day.slice(6)),
  );
  return Math.abs(writtenAtMs([file]) - dayMs) <= 2 * DAY_MS;
}

/** @param all oldest first */
function pointsOfDatabase(
  id: string,
  all: readonly TreeFile[],
  { ids, closes, clock }: Told,
): TreePoint[] {
  const before: Closed[] = [];
  let waiting: TreeFile[] = [];
  for (const file of all) {
    const databaseId = closes(file.name);
    if (databaseId === null) {
      if (mayBeOf(id, file.name, ids)) waiting.push(file);
    } else if (databaseId === id) {
      before.push(closed(file, waiting, before, { ids, clock }));
      waiting = [];
    }
  }
  return before.map(({ point }) => point);
}

/** A piece whose name has the number of another database is that one's; any other may be anybody's, and travels with each. */
function mayBeOf(id: string, name: string, ids: ReadonlySet<string>): boolean {
  const named = idsIn(name, ids);
  return named.length === 0 || named.includes(id);
}

function idsIn(name: string, ids: ReadonlySet<string>): string[] {
  return (name.match(/\d+/g) ?? []).filter((digits) => ids.has(digits));
}

interface Closed {
  readonly point: TreePoint;
  /** Pieces that are called a level 0 or a full are among its own. */
  readonly hasLevel0: boolean;
  /** Of these pieces. */
  readonly sizeBytes: number;
  readonly createdAtMs: number;
  /** It is a control file alone, as all before it are. */
  readonly isBare: boolean;
}

function closed(
  autobackup: TreeFile,
  pieces: readonly TreeFile[],
  before: readonly Closed[],
  { ids, clock }: Pick<Told, 'ids' | 'clock'>,
): Closed {
  const createdAtMs = clock(autobackup);
  const levels = pieces.map(({ name }) => namedLevel(name));
  const isLevel1 = levels.includes(1);
  const hasLevel0 = levels.includes(0);
  const last = before.at(-1)?.point;
  const { sizeBytes = 0 } = contentOf(pieces.filter(({ name }) => namedLevel(name) === 0));
  // One that is much smaller than the largest of some weeks is of a part of the database.
  const isLarge = (): boolean => isAboutLargest({ createdAtMs, sizeBytes }, before);
  const isBase = hasLevel0 && !isLevel1 && isLarge() && !goesOn(pieces, before, clock);
  const isBare = pieces.length === 0 && before.every((one) => one.isBare);
  const gap = isBare
    ? NO_PIECES
    : isLevel1 && !hasLevel0 && !before.some(({ point }) => isBasePoint(point))
      ? NO_LEVEL_0
      : ids.size > 1 && pieces.some(({ name }) => idsIn(name, ids).length === 0)
        ? SEVERAL
        : undefined;
  const point: TreePoint = {
    ...{ id: autobackup.within, createdAtMs },
    // The control file alone, as it is written when the database has changed its structure.
    kind: isLevel1 || pieces.length === 0 ? 'increment' : 'full',
    needs: isBase || last === undefined ? [] : [last.id],
    ...(gap === undefined ? {} : { gap }),
    ...{ state: 'complete', reason: null, ...contentOf([...pieces, autobackup]) },
    evidence: treeEvidence(pieces, autobackup),
  };
  return { point, hasLevel0, sizeBytes, createdAtMs, isBare };
}

const NO_PIECES =
  'the folder has no backup piece that was written before it, and a control file alone brings no data back';

const SEVERAL =
  'the folder has pieces of several databases, and names do not tell whose they are (a format with %I does): it has all since the control file of its database before it';

function isBasePoint({ kind, needs }: TreePoint): boolean {
  return kind === 'full' && needs.length === 0;
}

/** A job of archived logs writes its autobackup while a level 0 is made beside it, so that some pieces of this lie in points before. A level 0 of its own
 *  comes much later. */
function goesOn(pieces: readonly TreeFile[], before: readonly Closed[], clock: Clock): boolean {
  const firstMs = pieces.reduce((first, piece) => Math.min(first, clock(piece)), Infinity);
  return before.some(
    ({ point, hasLevel0 }) => hasLevel0 && point.createdAtMs > firstMs - RUNS_APART_MS,
  );
}

/** Named after its oldest piece. */
function openPoint(pieces: readonly TreeFile[], clock: Clock): TreePoint {
  return {
    ...{
      id: pieces[0]!.within,
      createdAtMs: clock(pieces.at(-1)!),
      kind: 'full',
      needs: [],
    },
    state: 'incomplete',
    reason: 'no autobackup of the control file was made after it',
    ...contentOf(pieces),
    evidence: treeEvidence(pieces, null),
  };
}

function contentOf(files: readonly TreeFile[]): Pick<TreePoint, 'files' | 'sizeBytes'> {
  return {
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
  };
}
