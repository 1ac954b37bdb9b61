import { randomUUID, hash } from 'node:crypto';
import { isZeroUnit, unitDigest } from '../../chain/digests/digest.js';
import {
  BLOCK_BYTES,
  DIGEST_BYTES,
  WINDOW_BLOCKS,
  WINDOW_BYTES,
} from '../../domain/targets/digest.js';
import { BackupError, isBackupError, isStorageFault } from '../../domain/errors.js';
import {
  isSameFile,
  keptTraits,
  type FileContent,
  type TreeRules,
} from '../../domain/trees/tree-rules.js';
import { treeLayoutOf } from '../../layout/tree-layouts.js';
import type { TreePlanReference } from '../../domain/trees/tree-work.js';
import type {
  BackupRepository,
  ReadableFile,
  SmallFile,
  WorkFile,
} from '../../repository/backup-repository.js';
import { indexPath, treeFile } from '../../tree/tree-paths.js';
import { HeldUnits } from '../blocks/held-units.js';
import type { FileStamp } from '../../domain/sources/restore-point.js';
import type { MoverContext } from '../task/mover-context.js';
import { OpenFiles } from '../task/open-files.js';
import { isVouchedAndGone, JournalWriter } from '../task/window-journal.js';
import type { WindowWorker } from '../task/window-loop.js';
import { FILES_OF_A_WINDOW } from './file-lists.js';
import { readBack } from './read-back.js';
import {
  FILE_OUTCOMES,
  largeJournal,
  OUTCOME_BYTES,
  smallJournal,
  StagedClass,
  type FileOutcome,
} from './staged-files.js';
import {
  classIndexOf,
  largeKey,
  requireTreePlan,
  sourcePath,
  treeStaged,
  type PlannedFile,
  type TreePlace,
} from './tree-plan.js';

export interface CopyFilesInput extends TreePlace {
  readonly reference: TreePlanReference;
  readonly class: string;
}

/** Copies windows of one class: up to 1,024 small files, which have their names when their window is done, or 8 MiB of a large one, which gets its
 *  name when all of its parts are done (`publishFiles`).
 *  @throws SOURCE_CHANGED, STAGING_INVALID, STALE_EPOCH, REPOSITORY_FULL, BLOCK_DIGEST_MISMATCH */
export async function openFileWorker(
  context: MoverContext,
  input: CopyFilesInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const plan = await requireTreePlan(target, input.chain, input.reference);
  const source = await context.repository(plan.sourceRepositoryId);
  const classIndex = classIndexOf(plan, input.class);
  const rules = treeLayoutOf(plan.layout)?.rules;
  if (rules === undefined)
    throw new BackupError('STAGING_INVALID', `layout ${plan.layout} is not one of this release`);
  const files = new OpenFiles();
  try {
    const staged = files.add(await StagedClass.open(target, input.chain, plan, classIndex));
    const desk = treeStaged.desk(input.chain, randomUUID());
    await target.makePlace(desk);
    const journal = smallJournal(input.chain, classIndex, plan.token);
    const file = files.add(await target.openWork(journal.path, plan.token));
    // The journal must never vouch for anything while a power cut can take its own name.
    await target.settle([treeStaged.folder(input.chain)]);
    const writer = new JournalWriter(file, journal);
    return new FileWorker({ context, source, target, staged, rules, desk, files, journal: writer });
  } catch (error) {
    await files.close();
    throw error;
  }
}

interface FileWorkerParts {
  readonly context: MoverContext;
  readonly source: BackupRepository;
  readonly target: BackupRepository;
  readonly staged: StagedClass;
  readonly rules: TreeRules;
  /** For small files on their way. */
  readonly desk: string;
  readonly files: OpenFiles;
  readonly journal: JournalWriter;
}

class FileWorker implements WindowWorker {
  readonly #content: FileContent;
  #large: LargeFile | null = null;
  /** Large files whose last windows were done since the last sync, and those whose windows are being made durable: a window is marked after the
   *  sync, in the journal of its file. */
  #ended: LargeFile[] = [];
  #settling: LargeFile[] = [];

  constructor(private readonly parts: FileWorkerParts) {
    this.#content = parts.rules.classes[parts.staged.classIndex]!.content;
  }

  async process(window: number): Promise<() => Promise<void>> {
    const { staged } = this.parts;
    if (staged.isSmall(window)) return this.#copySmall(window, await staged.smallFiles(window));
    const { file, part } = await staged.largePart(window);
    return (await this.#largeFile(file)).copyPart(part);
  }

  async sync(): Promise<void> {
    // One sync begins when the marks of the one before are made.
    const marked = this.#settling;
    this.#settling = this.#ended;
    this.#ended = [];
    for (const file of marked) await file.close();
    for (const file of this.#settling) await file.sync();
    await this.#large?.sync();
  }

  async close(): Promise<void> {
    for (const file of [...this.#settling, ...this.#ended]) await file.close();
    await this.#large?.close();
    await this.parts.files.close();
    await this.parts.target.removeAll(this.parts.desk).catch(() => undefined); // goes with the staging folder
  }

  async #copySmall(window: number, planned: readonly PlannedFile[]): Promise<() => Promise<void>> {
    const { context, target, staged, desk, journal } = this.parts;
    const payload = Buffer.alloc(FILES_OF_A_WINDOW * OUTCOME_BYTES);
    const files: SmallFile[] = [];
    let bytes = 0;
    for (const [index, file] of planned.entries()) {
      context.control.throwIfStopped();
      const read = await this.#readSmall(file);
      bytes += read.bytes.length;
      const digest = hash('sha256', read.bytes, 'buffer');
      const outcome = this.#outcomeOf(file, read, digest.toString('hex'));
      payload[index * OUTCOME_BYTES] = FILE_OUTCOMES.indexOf(outcome);
      digest.copy(payload, index * OUTCOME_BYTES + 1);
      if (outcome === 'held') context.control.add('reusedBytes', read.bytes.length);
      if (outcome === 'copied') files.push(this.#smallFile(file, read.bytes));
    }
    const stored = files.reduce((sum, file) => sum + file.bytes.length, 0);
    await target.putAll(files, desk, staged.tree);
    await readBack(context.control, target, files, staged.plan.verifyAfterCopy);
    context.control.add('transferredBytes', stored);
    context.control.add('storedBytes', stored);
    return async () => {
      await journal.seal(window, payload);
      context.control.add('processedBlocks', Math.ceil(bytes / BLOCK_BYTES));
    };
  }

  #smallFile(file: PlannedFile, bytes: Buffer): SmallFile {
    const traits = keptTraits(file, this.parts.rules.keeps);
    return { path: treeFile(this.parts.staged.tree, file.path), bytes, traits };
  }

  #outcomeOf(
    { path, held }: PlannedFile,
    { outcome }: { readonly outcome: FileOutcome },
    digest: string,
  ): FileOutcome {
    if (outcome !== 'copied') return outcome;
    const claimed = this.parts.rules.digestInName?.(path) ?? null;
    if (claimed !== null && claimed !== digest) return 'bad';
    // An attempt before this one may have read another content of what is written anywhere, and given it the name.
    return held?.digest === digest && this.#content !== 'rewritten' ? 'held' : 'copied';
  }

  /** Whole, or not at all: what was written to meanwhile is another file than the one that was listed. */
  async #readSmall(
    planned: PlannedFile,
  ): Promise<{ readonly outcome: FileOutcome; readonly bytes: Buffer }> {
    const { source, staged, context } = this.parts;
    const none = Buffer.alloc(0);
    let file: ReadableFile | null = null;
    try {
      file = await source.openRead(sourcePath(staged.plan, planned.path));
      const before = await file.stamp();
      if (!mayBeRead(planned, before, this.#content)) return { outcome: 'changed', bytes: none };
      // What is appended to was, at its listed length, what it was when it was listed.
      const length = this.#content === 'appended' ? planned.stamp.sizeBytes : before.sizeBytes;
      if (length > WINDOW_BYTES) return { outcome: 'changed', bytes: none };
      const bytes = Buffer.alloc(length);
      const count = await file.read(bytes, 0);
      context.control.add('readBytes', count);
      const isStill =
        this.#content === 'appended' || isSameFile(before, await file.stamp(), this.#content);
      if (count < length || !isStill) return { outcome: 'changed', bytes: none };
      return { outcome: 'copied', bytes };
    } catch (error) {
      if (isBackupError(error, 'FILE_MISSING')) return { outcome: 'gone', bytes: none };
      if (!isBackupError(error, 'REPOSITORY_IO_ERROR') && !isOfOneFile(error)) throw error;
      return { outcome: 'unreadable', bytes: none };
    } finally {
      await file?.close();
    }
  }

  /** One is worked on at a time: its windows follow one another. */
  async #largeFile(file: PlannedFile): Promise<LargeFile> {
    const key = largeKey(file);
    if (this.#large?.key === key) return this.#large;
    if (this.#large !== null) this.#ended.push(this.#large);
    this.#large = null;
    const { context, source, target, staged } = this.parts;
    const places = { context, source, target, tree: staged.tree, content: this.#content };
    this.#large = await LargeFile.open(places, file, sourcePath(staged.plan, file.path));
    return this.#large;
  }
}

/** What storage says of one file, and not of itself. */
function isOfOneFile(error: unknown): boolean {
  return isBackupError(error) && !isStorageFault(error) && error.code !== 'REPOSITORY_FULL';
}

/** Only files of a kind that changes in place may be read as they are now; what others refer to must be what was listed. */
export function mayBeRead({ stamp }: PlannedFile, now: FileStamp, content: FileContent): boolean {
  if (content === 'appended') return now.sizeBytes >= stamp.sizeBytes;
  return content === 'rewritten' || isSameFile(now, stamp, content);
}

interface LargePlaces {
  readonly context: MoverContext;
  readonly source: BackupRepository;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly content: FileContent;
}

const digestOf = unitDigest('sha256');

/** A large file on its way: its parts in any order, and again with the same result. */
class LargeFile {
  readonly #buffer = Buffer.alloc(WINDOW_BYTES);
  readonly #copy = Buffer.alloc(BLOCK_BYTES);

  private constructor(
    readonly key: string,
    private readonly places: LargePlaces,
    private readonly file: PlannedFile,
    private readonly opened: {
      readonly source: ReadableFile;
      readonly work: WorkFile;
      readonly journal: JournalWriter;
      /** What the copy has under the name of the file now; null: nothing that is known. */
      readonly held: HeldUnits | null;
      readonly files: OpenFiles;
    },
  ) {}

  static async open(places: LargePlaces, file: PlannedFile, path: string): Promise<LargeFile> {
    const { source, target, tree } = places;
    const key = largeKey(file);
    const files = new OpenFiles();
    try {
      const read = files.add(await source.openRead(path));
      const place = largeJournal(tree, key);
      const workPath = treeStaged.large(tree, key, 'work');
      // What it says of other parts is gone with them: they are found open when the file is published.
      if (await isVouchedAndGone(target, place, workPath)) await target.remove(place.path);
      const work = files.add(await target.openWork(workPath, key));
      const journal = files.add(await target.openWork(place.path, key));
      await target.settle([treeStaged.largeFolder(tree)]);
      const held = await heldOf(target, tree, file, files);
      const opened = {
        source: read,
        work,
        journal: new JournalWriter(journal, place),
        held,
        files,
      };
      return new LargeFile(key, places, file, opened);
    } catch (error) {
      await files.close();
      if (isBackupError(error, 'FILE_MISSING')) throw changed(file, error);
      throw error;
    }
  }

  async copyPart(part: number): Promise<() => Promise<void>> {
    const { context } = this.places;
    const { source, journal } = this.opened;
    const start = part * WINDOW_BYTES;
    const length = Math.min(WINDOW_BYTES, this.file.stamp.sizeBytes - start);
    const bytes = this.#buffer.subarray(0, length);
    const count = await source.read(bytes, start);
    context.control.add('readBytes', count);
    const now = await source.stamp();
    if (count < length || !mayBeRead(this.file, now, asLarge(this.places.content)))
      throw changed(this.file);
    const payload = Buffer.alloc(WINDOW_BLOCKS * DIGEST_BYTES);
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      context.control.throwIfStopped();
      const unit = bytes.subarray(at, at + BLOCK_BYTES);
      await this.#copyUnit(unit, start + at, payload, (at / BLOCK_BYTES) * DIGEST_BYTES);
    }
    return async () => {
      await journal.seal(part, payload);
      context.control.add('processedBlocks', Math.ceil(length / BLOCK_BYTES));
    };
  }

  /** Zeros leave a hole. What is written is read back, and the digest is of that. */
  async #copyUnit(unit: Buffer, offset: number, payload: Buffer, at: number): Promise<void> {
    if (isZeroUnit(unit)) return;
    const { context } = this.places;
    const { work, held } = this.opened;
    await work.write(unit, offset);
    const copy = this.#copy.subarray(0, unit.length);
    copy.fill(0, await work.read(copy, offset));
    if (!copy.equals(unit))
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${work.path}: the block at byte ${offset} does not read back as it was written`,
        { details: { path: work.path, offset } },
      );
    const digest = digestOf(unitOf(copy));
    digest.copy(payload, at);
    context.control.add('storedBytes', unit.length);
    const isHeld = ((await held?.countSame(offset, digest)) ?? 0) > 0;
    context.control.add(isHeld ? 'reusedBytes' : 'transferredBytes', unit.length);
  }

  async sync(): Promise<void> {
    await this.opened.work.sync();
  }

  async close(): Promise<void> {
    await this.opened.files.close();
  }
}

/** A unit that is shorter is digested as 64 KiB, filled up with zeros (docs/FORMAT.md, Digest table). */
export function unitOf(bytes: Buffer): Buffer {
  return bytes.length === BLOCK_BYTES
    ? bytes
    : Buffer.concat([bytes, Buffer.alloc(BLOCK_BYTES - bytes.length)]);
}

/** A large file that is rewritten while it is read would be torn between two windows. */
export function asLarge(content: FileContent): FileContent {
  return content === 'rewritten' ? 'replaced' : content;
}

async function heldOf(
  target: BackupRepository,
  tree: string,
  { held }: PlannedFile,
  files: OpenFiles,
): Promise<HeldUnits | null> {
  if (held === null || held.table === null) return null;
  const units = await HeldUnits.open(target, indexPath(tree, held.table), 'sha256');
  return units === null ? null : files.add(units);
}

function changed({ path }: PlannedFile, cause?: unknown): BackupError {
  return new BackupError(
    'SOURCE_CHANGED',
    `${JSON.stringify(path)} is not what it was when it was listed`,
    {
      details: { path },
      cause,
    },
  );
}
