import { hash } from 'node:crypto';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type {
  BackupRepository,
  ReadableFile,
  WorkFile,
} from '../../repository/backup-repository.js';
import { isFileUnread, isHeld } from '../../repository/unread-file.js';
import { windowRuns, type WindowRun } from './window-runs.js';

/** Where the journal of work in windows lies, whose it is, and how much each window leaves in it. */
export interface JournalPlace {
  readonly path: string;
  /** Of the plan: what another one has noted does not count. */
  readonly token: string;
  readonly payloadBytes: number;
}

/** Half of a SHA-256: it tells damage, nobody forges a journal. */
const SEAL_BYTES = 16;
/** Read at once, about. */
const PART_BYTES = 1024 * 1024;

/** Journal of work that is done in windows, in any order: for each window a record of its payload (what the work found) and a seal over token,
 *  number and payload. A record is written when what it vouches for is durable, and counts only while its seal fits; so a journal may be
 *  behind, after a power cut too, but is never ahead (docs/FORMAT.md, Staging). */
export class WindowJournal {
  readonly #recordBytes: number;

  constructor(
    private readonly file: ReadableFile,
    private readonly place: JournalPlace,
  ) {
    this.#recordBytes = place.payloadBytes + SEAL_BYTES;
  }

  /** Payloads of the windows `first … first + count - 1`, one behind the other.
   *  @throws STAGING_INVALID when one of them is not done */
  async read(first: number, count: number): Promise<Buffer> {
    const { payloadBytes } = this.place;
    const payloads = Buffer.alloc(count * payloadBytes);
    for await (const { window, payload, isDone } of this.#records(first, count)) {
      if (!isDone)
        throw new BackupError(
          'STAGING_INVALID',
          `${this.file.path}: window ${window} is not done, or not noted as it was`,
          { details: { path: this.file.path } },
        );
      payload.copy(payloads, (window - first) * payloadBytes);
    }
    return payloads;
  }

  /** Payload of a window that is done, or that was announced (`JournalWriter.announce`). null: nothing is known of it. */
  async noted(window: number): Promise<Buffer | null> {
    const record = Buffer.alloc(this.#recordBytes);
    await this.file.read(record, window * this.#recordBytes);
    const { token, payloadBytes } = this.place;
    const payload = record.subarray(0, payloadBytes);
    const seal = record.subarray(payloadBytes);
    const isKnown = [token, announcedBy(token)].some((owner) =>
      sealOf(owner, window, payload).equals(seal),
    );
    return isKnown ? payload : null;
  }

  /** Whether it stands there since the journal was begun that nothing was done or announced (`JournalWriter.begin`). */
  async isBegun(window: number): Promise<boolean> {
    const record = Buffer.alloc(this.#recordBytes);
    await this.file.read(record, window * this.#recordBytes);
    const { token, payloadBytes } = this.place;
    const payload = record.subarray(0, payloadBytes);
    return sealOf(begunBy(token), window, payload).equals(record.subarray(payloadBytes));
  }

  /** The windows of `first … first + count - 1` that are not done. */
  async openRuns(first: number, count: number): Promise<WindowRun[]> {
    const runs: { first: number; count: number }[] = [];
    for await (const { window, isDone } of this.#records(first, count)) {
      if (isDone) continue;
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.count === window) last.count++;
      else runs.push({ first: window, count: 1 });
    }
    return runs;
  }

  /** `windowCount` when all are done. */
  async firstOpen(windowCount: number): Promise<number> {
    for await (const { window, isDone } of this.#records(0, windowCount))
      if (!isDone) return window;
    return windowCount;
  }

  async *#records(
    first: number,
    count: number,
  ): AsyncGenerator<{ window: number; payload: Buffer; isDone: boolean }> {
    const { token, payloadBytes } = this.place;
    const recordBytes = this.#recordBytes;
    const atOnce = Math.ceil(PART_BYTES / recordBytes);
    const part = Buffer.alloc(Math.min(atOnce, count) * recordBytes);
    for (let done = 0; done < count; done += atOnce) {
      const records = part.subarray(0, Math.min(atOnce, count - done) * recordBytes);
      records.fill(0, await this.file.read(records, (first + done) * recordBytes));
      for (let at = 0; at < records.length; at += recordBytes) {
        const window = first + done + at / recordBytes;
        const payload = records.subarray(at, at + payloadBytes);
        const seal = records.subarray(at + payloadBytes, at + recordBytes);
        yield { window, payload, isDone: sealOf(token, window, payload).equals(seal) };
      }
    }
  }
}

/** Writes what `WindowJournal` reads. */
export class JournalWriter {
  constructor(
    private readonly file: WorkFile,
    private readonly place: JournalPlace,
  ) {}

  /** Notes of all windows, durably, that nothing is done or announced: what is known of one of them can be lost then by damage, or by a stop in the middle of a write, alone. */
  async begin(windowCount: number): Promise<void> {
    const { token, payloadBytes } = this.place;
    const payload = Buffer.alloc(payloadBytes);
    // What an earlier plan has noted lies there still.
    await this.file.truncate(0);
    for (let window = 0; window < windowCount; window++) {
      const at = window * (payloadBytes + SEAL_BYTES) + payloadBytes;
      await this.file.write(sealOf(begunBy(token), window, payload), at);
    }
    await this.file.sync();
  }

  /** @param payload of `payloadBytes`, or fewer: zeros follow */
  async seal(window: number, payload: Uint8Array): Promise<void> {
    await this.#write(this.place.token, window, payload);
    await this.file.flush();
  }

  /** What a window is about to do, durable before it does: it is not done by that. */
  async announce(window: number, payload: Uint8Array): Promise<void> {
    await this.#write(announcedBy(this.place.token), window, payload);
    await this.file.sync();
  }

  /** As `WindowJournal`. */
  isBegun(window: number): Promise<boolean> {
    return new WindowJournal(this.file, this.place).isBegun(window);
  }

  /** What was noted of a window before. */
  noted(window: number): Promise<Buffer | null> {
    return new WindowJournal(this.file, this.place).noted(window);
  }

  async #write(owner: string, window: number, payload: Uint8Array): Promise<void> {
    const { payloadBytes } = this.place;
    const record = Buffer.alloc(payloadBytes + SEAL_BYTES);
    record.set(payload);
    sealOf(owner, window, record.subarray(0, payloadBytes)).copy(record, payloadBytes);
    await this.file.write(record, window * record.length);
  }
}

function begunBy(token: string): string {
  return `${token} begun`;
}

function announcedBy(token: string): string {
  return `${token} announced`;
}

/** The windows of `first … first + count - 1` that are not done: all, where there is no journal, or none that can be read, which goes. */
export async function openRuns(
  repository: BackupRepository,
  place: JournalPlace,
  first: number,
  count: number,
): Promise<WindowRun[]> {
  const runs = await inJournal(repository, place, (journal) => journal.openRuns(first, count));
  return runs ?? windowRuns(first, count);
}

/** `windowCount` when all are done; 0 where there is no journal. */
export async function firstOpenWindow(
  repository: BackupRepository,
  place: JournalPlace,
  windowCount: number,
): Promise<number> {
  return (await inJournal(repository, place, (journal) => journal.firstOpen(windowCount))) ?? 0;
}

/** Whether work in windows was noted, and the file that the notes vouch for is gone. Then they are worth nothing: a file that was made anew would
 *  have holes where they say that it is done. */
export async function isVouchedAndGone(
  repository: BackupRepository,
  place: JournalPlace,
  path: string,
): Promise<boolean> {
  return (await hasNotes(repository, place)) && !(await isBegun(repository, path, place.token));
}

export async function hasNotes(
  repository: BackupRepository,
  { path, token }: JournalPlace,
): Promise<boolean> {
  const file = await openIfBegun(repository, path, token);
  if (file === null) return false;
  try {
    return (await file.stamp()).sizeBytes > 0;
  } finally {
    await file.close();
  }
}

async function isBegun(
  repository: BackupRepository,
  path: string,
  token: string,
): Promise<boolean> {
  const file = await openIfBegun(repository, path, token);
  await file?.close();
  return file !== null;
}

async function inJournal<T>(
  repository: BackupRepository,
  place: JournalPlace,
  look: (journal: WindowJournal) => Promise<T>,
): Promise<T | null> {
  const file = await openIfBegun(repository, place.path, place.token);
  if (file === null) return null;
  try {
    return await look(new WindowJournal(file, place));
  } catch (error) {
    if (isHeld(error) || !(await isFileUnread(repository, place.path, error))) throw error;
    // Its windows are done again, and noted elsewhere.
    await repository.remove(place.path);
    return null;
  } finally {
    await file.close();
  }
}

async function openIfBegun(
  repository: BackupRepository,
  path: string,
  token: string,
): Promise<WorkFile | null> {
  try {
    return await repository.openWork(path, token, 'existing');
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

function sealOf(token: string, window: number, payload: Uint8Array): Buffer {
  const owner = Buffer.from(`${token} ${window} `);
  return hash('sha256', Buffer.concat([owner, payload]), 'buffer').subarray(0, SEAL_BYTES);
}
