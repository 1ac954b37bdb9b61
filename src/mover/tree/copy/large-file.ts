import { isZeroUnit, unitDigest } from '../../../chain/digests/digest.js';
import { BackupError, isBackupError } from '../../../domain/errors.js';
import type { FileStamp } from '../../../domain/file-stamp.js';
import {
  BLOCK_BYTES,
  DIGEST_BYTES,
  WINDOW_BLOCKS,
  WINDOW_BYTES,
} from '../../../domain/targets/digest.js';
import {
  faultOfSourceFile,
  faultOfTargetFile,
  type OneFileFault,
} from '../../../domain/trees/one-file-fault.js';
import { isSameFile, type FileContent } from '../../../domain/trees/tree-rules.js';
import { RUN_BYTES } from '../../../image/run-buffer.js';
import type {
  BackupRepository,
  ReadableFile,
  SourceRepository,
  WorkFile,
} from '../../../repository/backup-repository.js';
import { indexPath } from '../../../tree/tree-paths.js';
import { HeldUnits } from '../../blocks/held-units.js';
import type { MoverContext } from '../../task/mover-context.js';
import { OpenFiles } from '../../task/open-files.js';
import { isVouchedAndGone, JournalWriter } from '../../task/window-journal.js';
import { largeJournal } from './staged-files.js';
import { largeKey, treeStaged, type PlannedFile } from '../tree-plan.js';

/** A large file that cannot be copied, because of what the storage of the source or of the target says of it. */
export class FaultyFile extends Error {
  constructor(readonly outcome: OneFileFault) {
    super(outcome);
  }
}

async function ofSource<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const outcome = faultOfSourceFile(error);
    throw outcome === null ? error : new FaultyFile(outcome);
  }
}

/** Only files of a kind that changes in place may be read as they are now, if they have the size that was listed, which the index gives them; what others
 *  refer to must be what was listed. */
export function mayBeRead({ stamp }: PlannedFile, now: FileStamp, content: FileContent): boolean {
  if (content === 'appended') return now.sizeBytes >= stamp.sizeBytes;
  if (content === 'rewritten') return now.sizeBytes === stamp.sizeBytes;
  return isSameFile(now, stamp, content);
}

interface LargePlaces {
  readonly context: MoverContext;
  readonly source: SourceRepository;
  readonly target: BackupRepository;
  readonly tree: string;
  readonly content: FileContent;
  /** Of the worker, for the part that it works on: what is read, and what is read back. */
  readonly buffers: { readonly run: Buffer; readonly copy: Buffer };
}

const digestOf = unitDigest('sha256');

/** A large file on its way: its parts in any order, and again with the same result. */
export class LargeFile {
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
      const read = files.add(await ofSource(source.openRead(path)));
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
    const { journal } = this.opened;
    const start = part * WINDOW_BYTES;
    const length = Math.min(WINDOW_BYTES, this.file.stamp.sizeBytes - start);
    const payload = Buffer.alloc(WINDOW_BLOCKS * DIGEST_BYTES);
    for (let at = 0; at < length; at += RUN_BYTES) {
      context.control.throwIfStopped();
      const bytes = await this.#read(start + at, Math.min(RUN_BYTES, length - at));
      await this.#copyRun(bytes, start + at, payload.subarray((at / BLOCK_BYTES) * DIGEST_BYTES));
    }
    return async () => {
      await journal.seal(part, payload);
      context.control.add('processedBlocks', Math.ceil(length / BLOCK_BYTES));
    };
  }

  /** At most 1 MiB, of the file that was listed: nothing else is ever written. */
  async #read(offset: number, length: number): Promise<Buffer> {
    const { context, content, buffers } = this.places;
    const bytes = buffers.run.subarray(0, length);
    const count = await ofSource(this.opened.source.read(bytes, offset));
    context.control.add('readBytes', count);
    const now = await ofSource(this.opened.source.stamp());
    if (count < length || !mayBeRead(this.file, now, asLarge(content))) throw changed(this.file);
    return bytes;
  }

  /** Zeros leave a hole. What is written is read back, and the digests are of that. */
  async #copyRun(bytes: Buffer, offset: number, digests: Buffer): Promise<void> {
    const { context, buffers } = this.places;
    const { work, held } = this.opened;
    for (const { at, length } of dataIn(bytes)) {
      const data = bytes.subarray(at, at + length);
      await this.#write(data, offset + at);
      const copy = buffers.copy.subarray(0, length);
      copy.fill(0, await work.read(copy, offset + at));
      if (!copy.equals(data)) throw this.#notAsWritten(data, copy, offset + at);
      context.control.add('storedBytes', length);
      for (let unit = 0; unit < length; unit += BLOCK_BYTES) {
        const stored = copy.subarray(unit, unit + BLOCK_BYTES);
        const digest = digestOf(unitOf(stored));
        digest.copy(digests, ((at + unit) / BLOCK_BYTES) * DIGEST_BYTES);
        const isHeld = ((await held?.countSame(offset + at + unit, digest)) ?? 0) > 0;
        context.control.add(isHeld ? 'reusedBytes' : 'transferredBytes', stored.length);
      }
    }
  }

  #notAsWritten(data: Buffer, copy: Buffer, offset: number): BackupError {
    const { path } = this.opened.work;
    let at = 0;
    const unitAt = (bytes: Buffer) => bytes.subarray(at, at + BLOCK_BYTES);
    while (unitAt(data).equals(unitAt(copy))) at += BLOCK_BYTES;
    return new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${path}: the block at byte ${offset + at} does not read back as it was written`,
      { details: { path, offset: offset + at } },
    );
  }

  /** Of its name nothing is known yet: only its size can be too much. */
  async #write(data: Buffer, offset: number): Promise<void> {
    try {
      await this.opened.work.write(data, offset);
    } catch (error) {
      throw faultOfTargetFile(error) === 'sizeRefused' ? new FaultyFile('sizeRefused') : error;
    }
  }

  async sync(): Promise<void> {
    await this.opened.work.sync();
  }

  async close(): Promise<void> {
    await this.opened.files.close();
  }
}

/** Stretches of units that are not all zeros. */
function* dataIn(bytes: Buffer): Generator<{ readonly at: number; readonly length: number }> {
  let start = -1;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const isData = !isZeroUnit(bytes.subarray(at, at + BLOCK_BYTES));
    if (isData && start < 0) start = at;
    if (isData || start < 0) continue;
    yield { at: start, length: at - start };
    start = -1;
  }
  if (start >= 0) yield { at: start, length: bytes.length - start };
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
  target: SourceRepository,
  tree: string,
  { held }: PlannedFile,
  files: OpenFiles,
): Promise<HeldUnits | null> {
  if (held === null || held.table === null || held.lost !== undefined) return null;
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
