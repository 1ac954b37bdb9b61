import type { CopySessionOutcome } from '../../../../workflows/messages.js';
import type { SourceRepository } from '../../../../src/repository/backup-repository.js';
import { knownFiles } from '../../../../src/mover/tree/whole-tree.js';
import { readIndex } from '../../../../src/tree/read-index.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import type { TreeRecord } from '../../../../src/tree/tree-record.js';
import { foldersOf } from '../../../../src/domain/trees/tree-path.js';
import { entriesBelow, filesBelow } from '../tree-world.js';
import type { SourceTool } from './source-tools.js';
import type { TreeSession } from './tree-event.js';

const DAY_MS = 86_400_000;
/** Fewer changes never raise an alarm. */
const FEWEST = 4;

interface Beginning {
  readonly moment: number;
  readonly trueMs: number;
  readonly paths: readonly string[];
  readonly points: ReadonlyMap<string, readonly string[]>;
}

type Copied = ReadonlyMap<string, Buffer>;

/** What a copy must be, judged from the files of the source and those of the copy alone. */
export class CopyJudge {
  /** What the copy had when it was last looked at. */
  #copied: Copied = new Map();
  #listed: ReadonlySet<string> = new Set();
  /** What the source had when a session was last through with it, of what is in the copy. */
  #known: ReadonlyMap<string, Buffer> = new Map();
  /** When a session last saw a file that left a record with the right time, in true time: of any other nothing tells that it saw it. */
  readonly #seenMs = new Map<string, number>();
  /** Files of the copy that somebody has taken away or changed, with what is left of them, until they are there again. */
  readonly #lost = new Map<string, Buffer | null>();
  #wasClockBehind = false;
  /** Moment of the source up to which an operator has agreed to what became of it. */
  #agreedAt = 0;

  constructor(
    private readonly tool: SourceTool,
    private readonly kind: 'store' | 'sets',
    private readonly tree: string,
    private readonly keptPoints: number,
    /** Of a store: how long what its source removed stays. */
    private readonly keptDays: number,
  ) {}

  begin(session: TreeSession): Beginning {
    this.#wasClockBehind ||= session.clockHours < 0;
    const { moment, trueMs, paths } = this.tool.files;
    return { moment, trueMs, paths, points: this.tool.points() };
  }

  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  canLose(path: string, copied: Copied): boolean {
    const isFew = this.#lost.size < FEWEST - 1 && this.#lost.size < copied.size - 1;
    const bytes = copied.get(path);
    return isFew && !this.#lost.has(path) && this.tool.files.now(path)?.equals(bytes!) === true;
  }

  lose(path: string, left: Buffer | null): void {
    this.#lost.set(path, left);
    const copied = new Map(this.#copied);
    if (left === null) copied.delete(path);
    else copied.set(path, left);
    this.#copied = copied;
  }

  copied(target: SourceRepository): Promise<Map<string, Buffer>> {
    return filesBelow(target, `${this.tree}/files`);
  }

  /** Whole, closed, and nothing gone before its time. */
  async atAnyInstant(target: SourceRepository): Promise<void> {
    const copied = await this.copied(target);
    const record = await readTreeRecord(target, this.tree);
    this.#forgetMended(copied);
    const sound = [...copied].filter(([path]) => !this.#lost.has(path));
    for (const [path, bytes] of sound)
      assert(
        this.tool.files.wasEver(path, bytes, this.tool.grows(path)),
        () => `${path} of the copy is nothing that it ever was at the source`,
      );
    this.#areClosed(sound, (need) => copied.has(need));
    for (const point of record?.points ?? []) this.#isWhole(point, copied);
    for (const path of this.#copied.keys())
      assert(
        copied.has(path) || this.#lost.has(path) || this.#mayBeGone(path),
        () => `${path} went before its time`,
      );
    this.#copied = await this.#vouchedFor(target, record, copied);
    this.#listed = new Set(record?.points.map(({ source }) => source.restorePointId));
  }

  /** What refers to something lies there with that, after each operation that gave or took a name.
   *  @param states the target after each of them */
  async atEachName(states: readonly SourceRepository[]): Promise<void> {
    for (const state of states) {
      const lies = new Set<string>();
      const referring: [string, Buffer][] = [];
      for await (const { path, read } of entriesBelow(state, `${this.tree}/files`)) {
        lies.add(path);
        if (!this.#lost.has(path) && !this.tool.isData(path)) referring.push([path, await read()]);
      }
      this.#areClosed(referring, (need) => lies.has(need));
    }
  }

  #areClosed(files: readonly (readonly [string, Buffer])[], lies: (path: string) => boolean): void {
    for (const [path, bytes] of files)
      for (const need of this.tool.needsOf(path, bytes))
        assert(
          lies(need) || this.#lost.has(need),
          () => `${path} of the copy refers to ${need}, which is not there`,
        );
  }

  /** What the record lists. A file that got its name by a session which was stopped before it wrote that is nobody's yet: a power cut takes it, and the next
   *  session copies it again. But what is listed is there, unless its removal is announced. */
  async #vouchedFor(
    target: SourceRepository,
    record: TreeRecord | null,
    copied: Copied,
  ): Promise<Copied> {
    const listed = record === null ? [] : await allOf(knownFiles(target, this.tree, record));
    const runs = record?.pending?.runs.map(({ run }) => run) ?? [];
    const leaving = new Set(
      (await allOf(readIndex(target, this.tree, { runs }))).map(({ path }) => path),
    );
    for (const { path } of listed)
      assert(
        copied.has(path) || leaving.has(path) || this.#lost.has(path),
        () => `${path} is listed, and is not there`,
      );
    return new Map(
      listed.flatMap(({ path }) => (copied.has(path) ? [[path, copied.get(path)!]] : [])),
    );
  }

  /** It is there again, as it was or as it is now; or what was left of it went in its time. */
  #forgetMended(copied: Copied): void {
    for (const [path, left] of this.#lost) {
      const now = copied.get(path);
      const isAsLeft = left === null ? now === undefined : now?.equals(left) === true;
      if (!isAsLeft) this.#lost.delete(path);
    }
  }

  async judge(
    target: SourceRepository,
    outcome: CopySessionOutcome | null,
    start: Beginning,
    session: TreeSession,
    isAgreed: boolean,
  ): Promise<void> {
    await this.atAnyInstant(target);
    if (isAgreed) this.#agreedAt = this.tool.files.moment;
    if (outcome === null) return;
    const mayLackRecord = session.fault?.kind === 'io' || session.fault?.kind === 'full';
    if (session.clockHours >= 0 && !mayLackRecord)
      for (const path of start.paths) this.#seenMs.set(path, start.trueMs);
    const { result } = outcome;
    const isDisturbed = session.fault !== null || session.during !== null;
    assert(
      isDisturbed || ['success', 'nothingToCopy', 'warning', 'actionRequired'].includes(result),
      () => `a session that nothing disturbed ends as ${JSON.stringify(outcome)}`,
    );
    // A store whose points cannot be read is named as a whole.
    const isUnread = outcome.tasks.some(({ code }) => code === 'SOURCE_PART_UNREADABLE');
    if (!isUnread && (result === 'success' || result === 'nothingToCopy' || result === 'warning'))
      this.#hasAll(outcome, start, await this.#told(target, outcome));
    const isDone = result === 'success' || result === 'warning' || result === 'nothingToCopy';
    if (isDone && !isDisturbed && session.stops.length === 0) this.#hasAgain(start);
    if (result === 'success' || result === 'nothingToCopy') this.#noteKnown();
  }

  /** What sets lose is not looked for: its name may come back. */
  #noteKnown(): void {
    const { files } = this.tool;
    const known = new Map(this.kind === 'store' ? [] : this.#known);
    for (const path of files.paths) known.set(path, files.now(path)!);
    for (const path of known.keys())
      if (!this.#copied.has(path) && !this.#lost.has(path)) known.delete(path);
    this.#known = known;
  }

  /** What the copy had lost, and the source has all the time. */
  #hasAgain(start: Beginning): void {
    const wanted = new Set(this.#wanted(start));
    for (const path of this.#lost.keys())
      assert(
        !wanted.has(path) || this.tool.files.sinceMoment(path, start.moment) === null,
        () =>
          `${path} was lost in the copy, the source has it, and a session did not send it again`,
      );
  }

  /** What a restore of a point of a store gives back has the point, and nothing in it refers to what is not there, but where the source is broken so itself. */
  isClosed(id: string, restored: Copied): void {
    const { files } = this.tool;
    const isBroken = (path: string, need: string): boolean => {
      const now = files.now(path);
      const isReferred = now !== null && this.tool.needsOf(path, now).includes(need);
      return isReferred && files.now(need) === null;
    };
    assert(restored.has(this.tool.pointFile(id)), () => `a restore of ${id} gives back no ${id}`);
    for (const [path, bytes] of restored)
      for (const need of this.tool.needsOf(path, bytes))
        assert(
          restored.has(need) || isBroken(path, need),
          () => `a restore of ${id} gives back ${path}, and not ${need}, to which it refers`,
        );
  }

  /** A second session after a quiet one has nothing to do, and does nothing. */
  isIdle(outcome: CopySessionOutcome, changed: readonly string[]): void {
    assert(
      outcome.result === 'nothingToCopy' || this.hasLost,
      () => `still to be done: ${JSON.stringify(outcome)}`,
    );
    assert(
      changed.length === 0,
      () => `nothing was to be done, and it changed ${changed.join(' ')}`,
    );
  }

  /** Nothing but what the record lists, which counts right. */
  async nothingIsLeft(target: SourceRepository): Promise<void> {
    const record = (await readTreeRecord(target, this.tree))!;
    const copied = await this.copied(target);
    const counted = record.index.reduce((sum, { fileCount }) => sum + fileCount, 0);
    const bytes = record.index.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const gone = record.index.reduce((sum, { goneCount }) => sum + goneCount, 0);
    const sizes = [...copied.values()].reduce((sum, { length }) => sum + length, 0);
    if (this.hasLost) return;
    assert(counted === copied.size, () => `${copied.size} files are counted as ${counted}`);
    assert(bytes === sizes, () => `${sizes} bytes are counted as ${bytes}`);
    const lost = [...copied.keys()].filter((path) => this.tool.files.now(path) === null);
    if (this.kind === 'store')
      assert(gone === lost.length, () => `${lost.length} lost files are counted as ${gone}`);
    const staged = [...(await filesBelow(target, `${this.tree}/.staging`)).keys()];
    assert(staged.length === 0, () => `left in the staging folder: ${staged.join(' ')}`);
    this.#indexIsListed(
      record,
      [...(await filesBelow(target, `${this.tree}/.index`)).keys()],
      copied,
    );
  }

  #indexIsListed(record: TreeRecord, names: readonly string[], copied: Copied): void {
    const listed = new Set(record.index.flatMap(({ runs }) => runs.map(({ name }) => name)));
    const stale = names.filter((name) => name.endsWith('.run') && !listed.has(name));
    assert(stale.length === 0, () => `runs that nothing lists: ${stale.join(' ')}`);
    const large = [...copied.values()].filter(({ length }) => length > 8 * 1024 * 1024).length;
    const tables = names.filter((name) => name.endsWith('.digests'));
    assert(tables.length === large, () => `${large} large files have ${tables.length} tables`);
  }

  /** Something was lost or written over now, and with what was since an operator last agreed it is much: a few with each session are told, too. Written anew
   *  with what it had, as files that were put back are, is written over once more. */
  isAlarmRight(outcome: CopySessionOutcome): void {
    const known = [...this.#known];
    const { files } = this.tool;
    const now = known.filter(([path, bytes]) => files.now(path) !== bytes).length;
    const all = files.changesSince(this.#agreedAt);
    assert(
      (now > 0 && all >= Math.min(FEWEST, known.length)) || this.#known.size === 0,
      () => `an alarm without a reason: ${JSON.stringify(outcome)}`,
    );
  }

  /** A source that has lost much of itself stops the session, and a session that is stopped leaves the copy as it was. */
  async isUntouched(
    outcome: CopySessionOutcome,
    before: Copied,
    target: SourceRepository,
  ): Promise<void> {
    const [lost, all] = this.kind === 'store' ? this.#lostOfStore() : this.#hurtSets(before);
    const isMuch = lost >= FEWEST && lost * 2 > all;
    assert(
      !isMuch || outcome.result === 'actionRequired',
      () => `a source that lost ${lost} of ${all} files: ${JSON.stringify(outcome)}`,
    );
    if (outcome.result !== 'actionRequired') return;
    const after = await this.copied(target);
    for (const [path, bytes] of before)
      assert(after.get(path)?.equals(bytes) === true, () => `${path} is not what it was before`);
  }

  #lostOfStore(): [number, number] {
    const { files } = this.tool;
    const lost = [...this.#known].filter(
      ([path, bytes]) => files.now(path)?.equals(bytes) !== true,
    );
    return [lost.length, this.#known.size];
  }

  /** Of the data of backups that the source still shows and the copy has: sets that are gone take nothing from the copy, and what is put behind a log is work. */
  #hurtSets(before: Copied): [number, number] {
    const { files } = this.tool;
    const isShown = (path: string) => files.now(`${path.split('.', 1)[0]!}.done`) !== null;
    const shown = [...before].filter(
      ([path]) => path.endsWith('.set') && files.now(path) !== null && isShown(path),
    );
    const hurt = shown.filter(([path, bytes]) => files.now(path)?.equals(bytes) !== true);
    return [hurt.length, shown.length];
  }

  /** Not much of what was good in the copy is gone, or is what a program that encrypts has written.
   *  @param before what the copy had */
  async isSpared(before: Copied, target: SourceRepository): Promise<void> {
    const after = await this.copied(target);
    const isLocked = (bytes: Buffer | undefined) =>
      bytes === undefined || bytes.subarray(0, 6).toString() === 'locked';
    const good = [...before].filter(
      ([path, bytes]) => !isLocked(bytes) && !path.endsWith('.log') && !this.#lost.has(path),
    );
    const hurt = good.filter(([path]) => isLocked(after.get(path)));
    assert(
      hurt.length < FEWEST || hurt.length * 2 <= good.length,
      () => `the copy has lost ${hurt.length} of ${good.length} good files, and nobody has agreed`,
    );
  }

  #isWhole({ source, files }: TreeRecord['points'][number], copied: Copied): void {
    const { restorePointId: id } = source;
    const own = files ?? [this.tool.pointFile(id)];
    for (const path of own)
      assert(
        copied.has(path) || this.#lost.has(path),
        () => `restore point ${id} is listed without ${path}`,
      );
  }

  #mayBeGone(path: string): boolean {
    const { files } = this.tool;
    const gone = files.goneSinceMs(path);
    // While the clock is behind, nothing tells that time has passed since the last session.
    const since =
      gone !== null && this.#wasClockBehind ? (this.#seenMs.get(path) ?? -Infinity) : gone;
    if (this.kind === 'store')
      return since !== null && files.trueMs - since >= (this.keptDays - 1) * DAY_MS;
    const names = new Set([...this.#copied.keys(), ...files.paths]);
    const fulls = [...names].filter((name) => name.endsWith('.done')).sort();
    const day = /^(?:db|log)-(\d+)/.exec(path)?.[1] ?? '';
    return fulls.slice(-this.keptPoints).every((name) => name.slice(3, -5) > day);
  }

  /** What the source has had since before the session began is in the copy, or is named. */
  #hasAll(outcome: CopySessionOutcome, start: Beginning, told: string): void {
    const isNamed = (path: string): boolean =>
      outcome.result === 'warning' &&
      (told.includes(path) ||
        told.includes('more files') ||
        foldersOf(path).some((folder) => told.includes(`${folder}/`)));
    const now = this.tool.points();
    for (const path of this.#wanted(start)) {
      const bytes = this.tool.files.sinceMoment(path, start.moment);
      if (bytes === null) continue;
      assert(
        this.#copied.get(path)?.equals(bytes) === true || isNamed(path) || this.#lost.has(path),
        () => `${path} is not in the copy, and nobody says so: ${JSON.stringify(outcome)}`,
      );
    }
    for (const [id, needs] of this.#keptPointsOf(start.points)) {
      if (!this.#isSteady(needs, start) || !now.has(id)) continue;
      assert(
        this.#listed.has(id) || (outcome.result === 'warning' && told.includes(id)),
        () => `point ${id} is not listed, and nobody says so: ${JSON.stringify(outcome)}`,
      );
    }
  }

  /** What the task says; of long lists the record of the session has all. */
  async #told(target: SourceRepository, { tasks }: CopySessionOutcome): Promise<string> {
    const told = JSON.stringify(tasks.map(({ notes, reason }) => [notes, reason]));
    if (tasks.every(({ omitted }) => omitted === null)) return told;
    const records = await filesBelow(target, `${this.tree.split('/')[0]!}/sessions`);
    const last = [...records.keys()]
      .filter((path) => path.split('/').length === 3)
      .sort()
      .at(-1);
    return `${told} ${records.get(last ?? '')?.toString() ?? ''}`;
  }

  /** Of a store every file; of sets those of the points that were there all the time. */
  #wanted(start: Beginning): Iterable<string> {
    if (this.kind === 'store') return this.tool.files.paths;
    const kept = this.#keptPointsOf(start.points).map(([, needs]) => needs);
    return new Set(kept.filter((needs) => this.#isSteady(needs, start)).flat());
  }

  #isSteady(paths: readonly string[], { moment }: Beginning): boolean {
    return paths.every((path) => this.tool.files.sinceMoment(path, moment) !== null);
  }

  #keptPointsOf(points: ReadonlyMap<string, readonly string[]>): [string, readonly string[]][] {
    if (this.kind === 'store') return [...points];
    // Another full may have come meanwhile.
    const ids = new Set([...points.keys(), ...this.tool.points().keys()]);
    const days = [...ids].filter((id) => id.startsWith('db-')).sort();
    const oldest = days.slice(-this.keptPoints)[0]?.slice(3) ?? '';
    return [...points].filter(([id]) => (/-(\d+)/.exec(id)?.[1] ?? '') >= oldest);
  }
}

async function allOf<T>(parts: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const part of parts) all.push(...part);
  return all;
}

function assert(isTrue: boolean, text: () => string): void {
  if (!isTrue) throw new Error(text());
}
