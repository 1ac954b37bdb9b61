import { hash, randomUUID } from 'node:crypto';
import { unitDigest } from '../../../chain/digests/digest.js';
import { digestEntryOffset, HOLE } from '../../../chain/digests/digest-table.js';
import { BLOCK_BYTES, DIGEST_BYTES, WINDOW_BYTES } from '../../../domain/targets/digest.js';
import {
  FAULT_REASONS,
  faultOfSourceFile,
  faultOfTargetFile,
} from '../../../domain/trees/one-file-fault.js';
import { BackupError, isBackupError, isStorageFault } from '../../../domain/errors.js';
import { keptTraits, type TreeRules } from '../../../domain/trees/tree-rules.js';
import type { ReadableFile, SmallFile, WorkFile } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import { unitOf } from '../copy/large-file.js';
import { FILES_OF_A_WINDOW, type FileListReader, type ListedFiles } from '../file-lists.js';
import { finishWork } from '../copy/publish-files.js';
import { doEach, putEach } from '../copy/put-each.js';
import { readBack } from '../copy/read-back.js';
import { partsOfEntry } from '../file-parts.js';
import { largeKey } from '../tree-plan.js';
import type { MoverContext } from '../../task/mover-context.js';
import { openTogether, withOpenFiles, type OpenFiles } from '../../task/open-files.js';
import { JournalWriter, openRuns } from '../../task/window-journal.js';
import type { DoneWindow, WindowWorker } from '../../task/window-loop.js';
import type { FilePlace } from './digest-table-proof.js';
import {
  keptJournal,
  keptOutcomes,
  openLists,
  type KeptFiles,
  type KeptOutcome,
} from './kept-lists.js';

/** What came of a file, or of a part of a large one. `right`: it is right where it is to be. `written`: the right bytes were found, and written.
 *  `lost`: nobody has them. `…Refused`: they were found, and the storage does not take them. Noted as numbers: new ones come last. */
const RIGHT_OUTCOMES = [
  'open',
  'right',
  'written',
  'lost',
  'nameRefused',
  'sizeRefused',
  'writeRefused',
] as const;
type RightOutcome = (typeof RIGHT_OUTCOMES)[number];

/** Why a file whose bytes were found was not written; null: that is not what came of it. */
export function refusalOf(outcome: RightOutcome): string | null {
  switch (outcome) {
    case 'nameRefused':
    case 'sizeRefused':
    case 'writeRefused':
      return FAULT_REASONS[outcome];
    default:
      return null;
  }
}

/** A place that may have the bytes of a file. */
export interface Origin {
  readonly at: (path: string) => FilePlace;
  /** What cannot be asked there is an error, and not a loss. */
  readonly isRequired: boolean;
}

/** Files that are to be right somewhere, whatever their bytes are taken from: each is compared with its digest before it is written. */
export interface RightFiles {
  /** Lists, journal and work, in the repository that is written to. */
  readonly files: KeptFiles;
  readonly listed: ListedFiles;
  readonly keeps: TreeRules['keeps'];
  /** In the order in which they are asked. */
  readonly origins: readonly Origin[];
  /** The first origin is where the files are to be. */
  readonly isInPlace: boolean;
  /** Where a file gets its name. */
  readonly name: (path: string) => string;
  /** Folder above all of them, durable. */
  readonly place: string;
  /** Its digest table, of a large one; proven. null: there is none, and nothing of the file can be told. */
  readonly table: (entry: FileEntry) => Promise<FilePlace | null>;
}

export async function openRightWorker(
  context: MoverContext,
  right: RightFiles,
): Promise<WindowWorker> {
  const { files, listed } = right;
  return openTogether(async (open) => {
    const lists = open.add(await openLists(files, listed));
    const place = keptJournal(files);
    const journal = await files.repository.openWork(place.path, files.token);
    open.add(journal);
    const desk = `${files.folder}/desks/${randomUUID()}`;
    await files.repository.makePlace(desk, workFolder(files));
    return new RightWorker({
      context,
      right,
      lists,
      desk,
      open,
      journal: new JournalWriter(journal, place),
    });
  });
}

function workFolder({ folder }: KeptFiles): string {
  return `${folder}/work`;
}

function workPath(files: KeptFiles, entry: FileEntry): string {
  return `${workFolder(files)}/${largeKey(entry)}.work`;
}

/** Where the table of a large file is made anew when that in the index is damaged. */
export function remadeTablePath(files: KeptFiles, entry: FileEntry): string {
  return `${workFolder(files)}/${largeKey(entry)}.digests`;
}

interface RightWorkerParts {
  readonly context: MoverContext;
  readonly right: RightFiles;
  readonly lists: FileListReader<FileEntry>;
  readonly desk: string;
  readonly open: OpenFiles;
  readonly journal: JournalWriter;
}

class RightWorker implements WindowWorker {
  #large: LargeFile | null = null;

  constructor(private readonly parts: RightWorkerParts) {}

  async process(window: number): Promise<DoneWindow> {
    const { lists, journal } = this.parts;
    const payload = Buffer.alloc(FILES_OF_A_WINDOW);
    if (lists.isSmall(window)) await this.#writeSmall(await lists.smallFiles(window), payload);
    else {
      const { file, part } = await lists.largePart(window);
      const large = await this.#largeFile(file, window - part);
      payload[0] = RIGHT_OUTCOMES.indexOf(await large.writePart(part));
    }
    return { bytes: WINDOW_BYTES, mark: () => journal.seal(window, payload) };
  }

  async sync(): Promise<void> {
    await this.#large?.sync();
  }

  async close(): Promise<void> {
    const { open, desk, right } = this.parts;
    await this.#large?.close();
    await open.close();
    await right.files.repository.removeAll(desk).catch(() => undefined); // goes with the folder
  }

  async #writeSmall(entries: readonly FileEntry[], payload: Buffer): Promise<void> {
    const { context, right, desk } = this.parts;
    const { repository } = right.files;
    const found: (SmallFile & { readonly index: number })[] = [];
    for (const [index, entry] of entries.entries()) {
      context.control.throwIfStopped();
      const { outcome, bytes } = await this.#findSmall(entry);
      payload[index] = RIGHT_OUTCOMES.indexOf(outcome);
      if (outcome !== 'written') continue;
      const traits = keptTraits(entry, right.keeps);
      found.push({ path: right.name(entry.path), bytes, traits, index });
    }
    const refused = await putEach(repository, found, desk, right.place);
    for (const [{ index }, outcome] of refused) payload[index] = RIGHT_OUTCOMES.indexOf(outcome);
    const put = found.filter((file) => !refused.has(file));
    await readBack(context.control, repository, put, 'cached');
  }

  async #findSmall(
    entry: FileEntry,
  ): Promise<{ readonly outcome: RightOutcome; readonly bytes: Buffer }> {
    const { right, context } = this.parts;
    for (const [index, origin] of right.origins.entries()) {
      const bytes = await askOrigin(origin, async () => readSmall(origin.at(entry.path), entry));
      if (bytes === null) continue;
      context.control.add('readBytes', bytes.length);
      return { outcome: index === 0 && right.isInPlace ? 'right' : 'written', bytes };
    }
    return { outcome: 'lost', bytes: Buffer.alloc(0) };
  }

  /** What was written of the one before is durable before its file is closed. */
  async #largeFile(entry: FileEntry, firstWindow: number): Promise<LargeFile> {
    const { context, right } = this.parts;
    if (this.#large?.entry.path === entry.path) return this.#large;
    await this.#refuseLost(entry, firstWindow);
    await this.#large?.sync();
    await this.#large?.close();
    this.#large = null;
    this.#large = await LargeFile.open(context, right, entry);
    return this.#large;
  }

  /** Work that is gone must not be made anew around the parts that are noted.
   *  @throws STAGING_INVALID; nothing is noted any more then, and all of it is written again */
  async #refuseLost(entry: FileEntry, firstWindow: number): Promise<void> {
    const { files } = this.parts.right;
    const path = workPath(files, entry);
    const partCount = partsOfEntry(entry);
    const open = await openRuns(files.repository, keptJournal(files), firstWindow, partCount);
    // In this order: what is noted was there when it was noted.
    if (open.reduce((sum, { count }) => sum + count, 0) === partCount) return;
    if ((await files.repository.stat(path)) !== null) return;
    await files.repository.remove(keptJournal(files).path);
    throw new BackupError('STAGING_INVALID', `${path} is gone, and parts of it were written`, {
      details: { path },
    });
  }
}

/** null: it has not the bytes, or cannot be asked. */
export async function askOrigin<T>(
  { isRequired }: Origin,
  ask: () => Promise<T | null>,
): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (!isBackupError(error)) throw error;
    // What it says of one file keeps no other from being read; what this machine lacks says nothing of any origin.
    const isOfStorage = isStorageFault(error) && faultOfSourceFile(error) === null;
    if (isOfStorage && (isRequired || error.code === 'REPOSITORY_IO_ERROR')) throw error;
    return null;
  }
}

/** null: it is not the file. */
async function readSmall(
  { repository, path }: FilePlace,
  { stamp: { sizeBytes }, digest }: FileEntry,
): Promise<Buffer | null> {
  return withOpenFiles(async (files) => {
    const file = files.add(await repository.openRead(path));
    if ((await file.stamp()).sizeBytes !== sizeBytes) return null;
    const bytes = Buffer.alloc(sizeBytes);
    const count = await file.read(bytes, 0);
    return count === sizeBytes && hash('sha256', bytes, 'hex') === digest ? bytes : null;
  });
}

const digestOf = unitDigest('sha256');

interface LargeFileParts {
  readonly context: MoverContext;
  readonly entry: FileEntry;
  readonly work: WorkFile;
  readonly table: ReadableFile | null;
  readonly origins: readonly ReadableFile[];
  readonly files: OpenFiles;
}

/** A large file, unit by unit from whoever has it with its digest. */
class LargeFile {
  readonly #unit = Buffer.alloc(BLOCK_BYTES);
  readonly #copy = Buffer.alloc(BLOCK_BYTES);

  private constructor(private readonly parts: LargeFileParts) {}

  get entry(): FileEntry {
    return this.parts.entry;
  }

  static async open(
    context: MoverContext,
    right: RightFiles,
    entry: FileEntry,
  ): Promise<LargeFile> {
    const { repository, token } = right.files;
    return openTogether(async (files) => {
      const work = files.add(await repository.openWork(workPath(right.files, entry), token));
      await repository.settle([workFolder(right.files)]);
      const place = await right.table(entry);
      const table = place && files.add(await place.repository.openRead(place.path));
      const origins: ReadableFile[] = [];
      for (const origin of right.origins) {
        const { repository: from, path } = origin.at(entry.path);
        const file = await askOrigin(origin, () => from.openRead(path));
        if (file !== null) origins.push(files.add(file));
      }
      return new LargeFile({ context, entry, work, table, origins, files });
    });
  }

  async writePart(part: number): Promise<RightOutcome> {
    const start = part * WINDOW_BYTES;
    const end = Math.min(start + WINDOW_BYTES, this.parts.entry.stamp.sizeBytes);
    let outcome: RightOutcome = 'written';
    try {
      for (let offset = start; offset < end; offset += BLOCK_BYTES) {
        this.parts.context.control.throwIfStopped();
        if (!(await this.#writeUnit(offset, Math.min(BLOCK_BYTES, end - offset)))) outcome = 'lost';
      }
    } catch (error) {
      // Of its name nothing is known yet.
      if (faultOfTargetFile(error) !== 'sizeRefused') throw error;
      return 'sizeRefused';
    }
    return outcome;
  }

  /** Zeros leave a hole. What is written is read back. */
  async #writeUnit(offset: number, length: number): Promise<boolean> {
    if (this.parts.table === null) return false;
    const expected = Buffer.alloc(DIGEST_BYTES);
    await this.parts.table.read(expected, digestEntryOffset(offset / BLOCK_BYTES));
    if (expected.equals(HOLE)) return true;
    const unit = this.#unit.subarray(0, length);
    for (const origin of this.parts.origins) {
      const count = await origin.read(unit, offset).catch(noBytes);
      this.parts.context.control.add('readBytes', count);
      if (count < length || !digestOf(unitOf(unit)).equals(expected)) continue;
      await this.parts.work.write(unit, offset);
      const copy = this.#copy.subarray(0, length);
      copy.fill(0, await this.parts.work.read(copy, offset));
      if (!copy.equals(unit)) throw notAsWritten(this.parts.work.path, offset);
      this.parts.context.control.add('storedBytes', length);
      return true;
    }
    return false;
  }

  sync(): Promise<void> {
    return this.parts.work.sync();
  }

  close(): Promise<void> {
    return this.parts.files.close();
  }
}

/** What its storage cannot read, another origin may have. */
function noBytes(error: unknown): number {
  if (faultOfSourceFile(error) !== null) return 0;
  throw error;
}

function notAsWritten(path: string, offset: number): BackupError {
  return new BackupError(
    'BLOCK_DIGEST_MISMATCH',
    `${path}: the block at byte ${offset} does not read back as it was written`,
    { details: { path, offset } },
  );
}

/** Gives the large files their names of which all parts were written, and tells what came of all. Done again it ends in the same state: what has no work
 *  any more has its name.
 *  @throws STAGING_INVALID when a window is not done */
export async function* nameRightFiles(
  { control }: MoverContext,
  right: RightFiles,
): AsyncGenerator<{ readonly entry: FileEntry; readonly outcome: RightOutcome }> {
  const { files, keeps, place, name } = right;
  const { repository } = files;
  for await (const outcomes of keptOutcomes(files, right.listed))
    for (const { entry, noted } of outcomes) {
      const outcome = worstOf(noted);
      if (entry.table === null || outcome !== 'written') {
        yield { entry, outcome };
        continue;
      }
      const work = workPath(files, entry);
      const to = name(entry.path);
      const refused = await doEach([entry], async () => {
        if ((await repository.stat(work)) !== null)
          await finishWork(control, repository, work, entry, { keeps });
        // Moved on by an attempt whose answer was lost: its folder must not be made once more.
        else if ((await repository.stat(to)) === null) return;
        // Also when an attempt that was killed has moved it: what it saw need not be durable.
        await repository.move([{ from: work, to }], place);
      });
      yield { entry, outcome: refused.get(entry) ?? 'written' };
    }
}

function worstOf(noted: KeptOutcome['noted']): RightOutcome {
  return RIGHT_OUTCOMES[Math.max(...noted)] ?? 'open';
}
