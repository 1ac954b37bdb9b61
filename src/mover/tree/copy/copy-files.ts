import { randomUUID, hash } from 'node:crypto';
import { BLOCK_BYTES, WINDOW_BYTES } from '../../../domain/targets/digest.js';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import { faultOfSourceFile } from '../../../domain/trees/one-file-fault.js';
import {
  isSameFile,
  keptTraits,
  type FileContent,
  type TreeRules,
} from '../../../domain/trees/tree-rules.js';
import { giveRunBuffer, takeRunBuffer } from '../../../image/run-buffer.js';
import { treeLayoutOf } from '../../../layout/tree-layouts.js';
import type { TreePlanReference } from '../../../domain/trees/tree-work.js';
import type {
  BackupRepository,
  ReadableFile,
  SmallFile,
  SourceRepository,
} from '../../../repository/backup-repository.js';
import { treeFile } from '../../../tree/tree-paths.js';
import type { MoverContext } from '../../task/mover-context.js';
import { OpenFiles } from '../../task/open-files.js';
import { JournalWriter } from '../../task/window-journal.js';
import type { DoneWindow, WindowWorker } from '../../task/window-loop.js';
import { FILES_OF_A_WINDOW } from '../file-lists.js';
import { heldBackOf } from './lacking-notes.js';
import { FaultyFile, LargeFile, mayBeRead } from './large-file.js';
import { putEach } from './put-each.js';
import { readBack } from './read-back.js';
import {
  FILE_OUTCOMES,
  largeFault,
  OUTCOME_BYTES,
  smallJournal,
  unnotedWindow,
  StagedClass,
  type FileOutcome,
  type LargeFault,
} from './staged-files.js';
import {
  classIndexOf,
  largeKey,
  requireTreePlan,
  sourcePath,
  treeStaged,
  type PlannedFile,
  writeNote,
  type TreePlace,
} from '../tree-plan.js';

interface CopyFilesInput extends TreePlace {
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
  const source = await context.source(plan.sourceRepositoryId);
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
    const isHeldBack = await heldBackOf(target, input.chain, plan, rules, classIndex);
    const opened = { desk, files, journal: writer, isHeldBack };
    return new FileWorker({ context, source, target, staged, rules, ...opened });
  } catch (error) {
    await files.close();
    throw error;
  }
}

interface FileWorkerParts {
  readonly context: MoverContext;
  readonly source: SourceRepository;
  readonly target: BackupRepository;
  readonly staged: StagedClass;
  readonly rules: TreeRules;
  /** For small files on their way. */
  readonly desk: string;
  readonly files: OpenFiles;
  readonly journal: JournalWriter;
  /** It may refer to a file that could not be copied. */
  readonly isHeldBack: (file: PlannedFile) => boolean;
}

class FileWorker implements WindowWorker {
  readonly #content: FileContent;
  readonly #buffers = { run: takeRunBuffer(), copy: takeRunBuffer() };
  #large: LargeFile | null = null;
  /** Large files whose last windows were done since the last sync, and those whose windows are being made durable: a window is marked after the
   *  sync, in the journal of its file. */
  #ended: LargeFile[] = [];
  #settling: LargeFile[] = [];

  constructor(private readonly parts: FileWorkerParts) {
    this.#content = parts.rules.classes[parts.staged.classIndex]!.content;
  }

  async process(window: number): Promise<DoneWindow> {
    return { bytes: WINDOW_BYTES, mark: await this.#copy(window) };
  }

  async #copy(window: number): Promise<DoneWindow['mark']> {
    const { staged } = this.parts;
    if (staged.isSmall(window)) return this.#copySmall(window, await staged.smallFiles(window));
    const { file, part } = await staged.largePart(window);
    if (this.parts.isHeldBack(file) || (await this.#isFaulty(file))) return notDone;
    try {
      return await (await this.#largeFile(file)).copyPart(part);
    } catch (error) {
      if (!(error instanceof FaultyFile)) throw error;
      await this.#noteFaulty(file, error);
      return notDone;
    }
  }

  /** By this plan: its other windows need not be tried. */
  async #isFaulty(file: PlannedFile): Promise<boolean> {
    const { target, staged } = this.parts;
    const key = largeKey(file);
    if (this.#large?.key === key) return false;
    return (await largeFault(target, staged.tree, key, staged.plan)) !== null;
  }

  /** Its windows before this one may still have to be marked as done: it is closed as one that is at its end. */
  async #noteFaulty(file: PlannedFile, { outcome }: FaultyFile): Promise<void> {
    const { target, staged } = this.parts;
    const { tree, plan } = staged;
    const note: LargeFault = { token: plan.token, outcome };
    if (this.#large?.key === largeKey(file)) {
      this.#ended.push(this.#large);
      this.#large = null;
    }
    await writeNote(target, treeStaged.large(tree, largeKey(file), 'fault'), note);
  }

  async sync(): Promise<void> {
    // One sync begins when the marks of the one before are made. The next window may end this file before it is asked to sync.
    const marked = this.#settling;
    const large = this.#large;
    this.#settling = this.#ended;
    this.#ended = [];
    for (const file of marked) await file.close();
    for (const file of this.#settling) await file.sync();
    await large?.sync();
  }

  async close(): Promise<void> {
    const files = new OpenFiles();
    for (const file of [...this.#settling, ...this.#ended]) files.add(file);
    if (this.#large !== null) files.add(this.#large);
    files.add(this.parts.files);
    try {
      await files.close();
    } finally {
      giveRunBuffer(this.#buffers.run);
      giveRunBuffer(this.#buffers.copy);
    }
    await this.parts.target.removeAll(this.parts.desk).catch(() => undefined); // goes with the staging folder
  }

  async #copySmall(window: number, planned: readonly PlannedFile[]): Promise<() => Promise<void>> {
    const { context, target, staged, desk, journal } = this.parts;
    const payload = Buffer.alloc(FILES_OF_A_WINDOW * OUTCOME_BYTES);
    const earlier = await journal.noted(window);
    const givesHeld = planned.some(({ held }) => held !== null);
    const mayLack = earlier === null && givesHeld && staged.planned.isNoted === true;
    if (mayLack && !(await journal.isBegun(window))) throw unnotedWindow(staged, window);
    const files: (SmallFile & { readonly index: number })[] = [];
    let bytes = 0;
    for (const [index, file] of planned.entries()) {
      context.control.throwIfStopped();
      const read = await this.#readUnlessHeldBack(file);
      bytes += read.bytes.length;
      const digest = hash('sha256', read.bytes, 'buffer');
      const outcome = this.#outcomeOf(file, read, digest.toString('hex'));
      payload[index * OUTCOME_BYTES] = FILE_OUTCOMES.indexOf(outcome);
      const at = index * OUTCOME_BYTES + 1;
      // What could not be read may have its name by an attempt before this one.
      if (outcome === 'copied' || outcome === 'held') digest.copy(payload, at);
      else earlier?.copy(payload, at, at, at + digest.length);
      if (outcome === 'held') context.control.add('reusedBytes', read.bytes.length);
      if (outcome === 'copied') files.push({ ...this.#smallFile(file, read.bytes), index });
    }
    // Only by its digest what gets the name of an older file is told from what that has become.
    if (files.some(({ index }) => planned[index]!.held !== null))
      await journal.announce(window, payload);
    await this.#makeFoldersWith(planned);
    const refused = await putEach(target, files, desk, staged.tree);
    for (const [{ index }, outcome] of refused)
      payload[index * OUTCOME_BYTES] = FILE_OUTCOMES.indexOf(outcome);
    const put = files.filter((file) => !refused.has(file));
    const stored = put.reduce((sum, file) => sum + file.bytes.length, 0);
    await readBack(context.control, target, put, staged.plan.verifyAfterCopy);
    context.control.add('transferredBytes', stored);
    context.control.add('storedBytes', stored);
    return async () => {
      await journal.seal(window, payload);
      context.control.add('processedBlocks', Math.ceil(bytes / BLOCK_BYTES));
    };
  }

  async #makeFoldersWith(planned: readonly PlannedFile[]): Promise<void> {
    const { target, staged, rules } = this.parts;
    const folders = planned.flatMap(({ path }) => rules.foldersWith?.(path) ?? []);
    if (folders.length > 0)
      await target.makePlace(...folders.map((folder) => treeFile(staged.tree, folder)));
  }

  #smallFile(file: PlannedFile, bytes: Buffer): SmallFile {
    const traits = keptTraits(file, this.parts.rules.keeps);
    return { path: treeFile(this.parts.staged.tree, file.path), bytes, traits };
  }

  #outcomeOf(
    { path, held }: PlannedFile,
    { outcome, bytes }: { readonly outcome: FileOutcome; readonly bytes: Buffer },
    digest: string,
  ): FileOutcome {
    if (outcome !== 'copied') return outcome;
    const claimed = this.parts.rules.digestInName?.(path) ?? null;
    if (claimed !== null && claimed !== digest) return 'bad';
    const isOther = held !== null && held.lost === undefined && held.digest !== digest;
    if (isOther && this.parts.rules.isSound?.(path, bytes) === false) return 'unsound';
    if (held?.lost?.isStill === true) return held.digest === digest ? 'copied' : 'unlike';
    if (held?.isFixed === true && hash('sha256', bytes.subarray(0, held.sizeBytes)) !== held.digest)
      return 'kept';
    // An attempt before this one may have read another content of what is written anywhere, and given it the name.
    const isThere = held?.digest === digest && held.lost === undefined;
    return isThere && this.#content !== 'rewritten' ? 'held' : 'copied';
  }

  async #readUnlessHeldBack(file: PlannedFile): ReturnType<FileWorker['readSmall']> {
    return this.parts.isHeldBack(file)
      ? { outcome: 'withheld', bytes: Buffer.alloc(0) }
      : this.readSmall(file);
  }

  /** Whole, or not at all: what was written to meanwhile is another file than the one that was listed. */
  private async readSmall(
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
      const length = planned.stamp.sizeBytes;
      const bytes = Buffer.alloc(length);
      const count = await file.read(bytes, 0);
      context.control.add('readBytes', count);
      const isStill =
        this.#content === 'appended' || isSameFile(before, await file.stamp(), this.#content);
      if (count < length || !isStill) return { outcome: 'changed', bytes: none };
      return { outcome: 'copied', bytes };
    } catch (error) {
      if (isBackupError(error, 'FILE_MISSING')) return { outcome: 'gone', bytes: none };
      const outcome = faultOfSourceFile(error);
      if (outcome === null) throw error;
      return { outcome, bytes: none };
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
    const buffers = this.#buffers;
    this.#large = await LargeFile.open(
      { ...places, buffers },
      file,
      sourcePath(staged.plan, file.path),
    );
    return this.#large;
  }
}

/** Its window stays open. */
function notDone(): Promise<void> {
  return Promise.resolve();
}
