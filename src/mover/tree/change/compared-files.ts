import { hash } from 'node:crypto';
import { compareBytes } from '../../../domain/byte-order.js';
import { WINDOW_BYTES } from '../../../domain/targets/digest.js';
import { joinLosses, NO_LOSSES, type KnownLosses } from '../../../domain/trees/known-losses.js';
import { pointsThatNeed } from '../../../domain/trees/tree-damage.js';
import type { ComparingTree } from '../../../domain/trees/tree-work.js';
import { classOf, type TreeRules } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { readStagedJson, writeStagedJson } from '../../staging/copy-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import { FileCheck, isFine } from '../file-check.js';
import { FILES_OF_A_WINDOW } from '../file-lists.js';
import { partsOfEntry, readWhole } from '../file-parts.js';
import { treeStaged } from '../tree-plan.js';
import { knownFiles } from '../whole-tree.js';

/** What a comparison of files that points of sets have for themselves with the index has found. */
export interface ComparedFiles {
  /** How many were compared. */
  readonly comparedCount: number;
  /** Of these, not what was copied. */
  readonly changedCount: number;
  /** Of these, the ones that the record does not name yet. */
  readonly losses: KnownLosses;
  /** Ids of the points that need one that is not what was copied. */
  readonly hurt: readonly string[];
}

export interface TakenPlace {
  readonly context: MoverContext;
  readonly target: BackupRepository;
  readonly chain: string;
  /** After so many windows, of 8 MiB or 1,024 small files, the comparison ends, to be gone on with. Absent: it does not. */
  readonly compareWindows?: number;
}

/** Files are left to be compared; what was is noted. */
export class ComparisonUnfinished extends Error {
  constructor(readonly compared: Omit<ComparingTree, 'state'>) {
    super('the comparison is to be gone on with');
  }
}

/** How far a comparison is, as it lies in the staging folder. */
interface ComparisonNote extends ComparedFiles, Omit<ComparingTree, 'state'> {
  /** Of what is compared: index and points. */
  readonly token: string;
  /** The part that was read last, in the order of the paths; of a file of one part, 0. */
  readonly last: { readonly path: string; readonly part: number };
}

/** So much is read again after a stop, at most. A note for each window would cost as much as the reading. */
const WINDOWS_OF_A_NOTE = 8;

/** Reads the files that points of sets have for themselves, in the order of their paths, and compares them with the index. What was read is noted, so that a repeat of any time, for the
 *  same record and the same plan, reads the rest.
 *  @throws ComparisonUnfinished, what the storage says of itself */
export async function comparedWithIndex(
  place: TakenPlace,
  record: TreeRecord,
  rules: TreeRules,
): Promise<ComparedFiles> {
  const { target, chain } = place;
  const own = new Set(record.points.flatMap(({ files }) => files ?? []));
  // What their tool keeps for the whole store goes on with what it is now.
  const isOwn = (path: string) =>
    own.has(path) && rules.classes[classOf(rules, path) ?? -1]?.isOfStore?.(path) !== true;
  const comparison = await Comparison.goOn(place, record, rules);
  if (own.size > 0)
    for await (const entries of knownFiles(target, chain, record))
      for (const entry of entries) if (isOwn(entry.path)) await comparison.compare(entry);
  return comparison.found;
}

class Comparison {
  /** What is not noted yet. */
  #changed: FileEntry[] = [];
  /** Since the last note, and since it was gone on with. */
  readonly #windows = { unnoted: 0, all: 0 };
  readonly #check: FileCheck;
  readonly #named: ReadonlySet<string>;

  private constructor(
    private readonly place: TakenPlace,
    private readonly record: TreeRecord,
    private readonly rules: TreeRules,
    private note: Omit<ComparisonNote, 'last'> & { readonly last: ComparisonNote['last'] | null },
  ) {
    const { context, target, chain } = place;
    this.#check = new FileCheck(target, chain, context.control, rules);
    this.#named = new Set(record.lost?.files.map(({ path }) => path));
  }

  static async goOn(place: TakenPlace, record: TreeRecord, rules: TreeRules): Promise<Comparison> {
    const path = treeStaged.compared(place.chain);
    const token = tokenOf(record);
    const noted = await readStagedJson<ComparisonNote>(place.target, path);
    const none = {
      ...{ windows: 0, comparedCount: 0, changedCount: 0 },
      ...{ losses: NO_LOSSES, hurt: [] },
    };
    const note = noted?.token === token ? noted : { token, last: null, ...none };
    return new Comparison(place, record, rules, note);
  }

  get found(): ComparedFiles {
    this.#take();
    return this.note;
  }

  async compare(entry: FileEntry): Promise<void> {
    const partCount =
      entry.table === null || readWhole(this.rules.digestInName)(entry) ? 1 : partsOfEntry(entry);
    for (let part = this.#firstPart(entry); part < partCount; part++) {
      const isAsCopied = await this.#isAsCopied(entry, partCount === 1 ? null : part);
      if (!isAsCopied) this.#changed.push(entry);
      // Of a file that is lost the rest tells nothing.
      const last = isAsCopied ? part : partCount - 1;
      await this.#compared(entry, last, partCount);
      part = last;
    }
  }

  /** That is still to be read; behind the last part: none. */
  #firstPart({ path }: FileEntry): number {
    const { last } = this.note;
    if (last === null) return 0;
    const order = compareBytes(path, last.path);
    return order > 0 ? 0 : order < 0 ? Infinity : last.part + 1;
  }

  async #isAsCopied(entry: FileEntry, part: number | null): Promise<boolean> {
    const { table } = entry;
    return isFine(
      await (table === null ? this.#check.small(entry) : this.#check.large(entry, part)),
    );
  }

  async #compared({ path, stamp }: FileEntry, part: number, partCount: number): Promise<void> {
    const isEnd = part === partCount - 1;
    const windows = Math.max(stamp.sizeBytes / partCount / WINDOW_BYTES, 1 / FILES_OF_A_WINDOW);
    this.note = {
      ...this.note,
      last: { path, part },
      comparedCount: this.note.comparedCount + (isEnd ? 1 : 0),
      windows: this.note.windows + windows,
    };
    this.#windows.unnoted += windows;
    this.#windows.all += windows;
    const isStep = this.#windows.all >= (this.place.compareWindows ?? Infinity);
    if (!isStep && this.#windows.unnoted < WINDOWS_OF_A_NOTE) return;
    this.#take();
    await writeStagedJson(this.place.target, treeStaged.compared(this.place.chain), this.note);
    this.#windows.unnoted = 0;
    const { windows: all, comparedCount } = this.note;
    if (isStep) throw new ComparisonUnfinished({ windows: all, comparedCount });
  }

  /** Which points need a file follows from its path alone, so that only the points are noted. */
  #take(): void {
    if (this.#changed.length === 0) return;
    const { changedCount, losses, hurt } = this.note;
    const needed = this.#changed.map(({ path }) => ({ path, goneSinceMs: null }));
    const unnamed = this.#changed.filter(({ path }) => !this.#named.has(path));
    const files = unnamed.map(({ path, digest, goneSinceMs }) => ({ path, digest, goneSinceMs }));
    this.note = {
      ...this.note,
      changedCount: changedCount + this.#changed.length,
      losses: joinLosses(losses, { count: files.length, files }),
      hurt: [...new Set([...hurt, ...pointsThatNeed(this.record.points, needed, this.rules)])],
    };
    this.#changed = [];
  }
}

function tokenOf({ index, points, lost }: TreeRecord): string {
  const files = points.map(({ id, files: own }) => [id, own]);
  return hash('sha256', JSON.stringify([index, files, lost]), 'hex');
}
