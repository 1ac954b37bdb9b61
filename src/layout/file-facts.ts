import type { FileStamp } from '../domain/file-stamp.js';
import type { SourceRepository, RepositoryEntry } from '../repository/backup-repository.js';
import type { Finding } from './point-fault.js';
import { SiblingRuns } from './walk/sibling-runs.js';

/** Keeps what was found out about files from look to look: one text for each folder. It may forget any, and does not know what they mean. */
export interface FactStore {
  /** null: nothing is kept under this key. */
  load(key: string): Promise<string | null>;
  save(key: string, text: string): void;
}

/** Every look reads everything. */
export const FORGETFUL: FactStore = {
  load: () => Promise.resolve(null),
  save: () => undefined,
};

/** A file that was written to a moment ago may be written to again within one tick of the clock of its storage, and keep its stamp. */
const SETTLED_MS = 2_000;

/** One answer about one file: path within the folder, stamp, question, answer. */
type KeptFact = readonly [within: string, stamp: string, about: string, finding: Finding<unknown>];

/** Facts about the files of one folder, and of those within it that a layout has claimed with it, each found out once as long as the file is the same. A stamp tells that only where the storage's stamps
 *  prove (`RepositoryCapabilities.stampsProve`): elsewhere every look reads. What could not be read is asked again, too. */
export class FolderFacts {
  readonly #known: ReadonlyMap<string, KeptFact>;
  readonly #used = new Map<string, KeptFact>();
  #isNew = false;
  readonly siblings: SiblingRuns;

  private constructor(
    private readonly store: FactStore,
    readonly repository: SourceRepository,
    private readonly folder: string,
    { known, siblings }: { readonly known: readonly KeptFact[]; readonly siblings: SiblingRuns },
  ) {
    this.siblings = siblings;
    this.#known = new Map(known.map((fact) => [keyOf(fact[0], fact[2]), fact]));
  }

  /** @param siblings of the look. Absent: it is of this folder alone */
  static async of(
    store: FactStore,
    repository: SourceRepository,
    folder: string,
    siblings = new SiblingRuns(repository),
  ): Promise<FolderFacts> {
    const key = keyOfFolder(repository, folder);
    const text = repository.capabilities.stampsProve ? await store.load(key) : null;
    const known = text === null ? [] : (JSON.parse(text) as KeptFact[]);
    return new FolderFacts(store, repository, folder, { known, siblings });
  }

  /** Of a folder about which nothing is known, and nothing kept. */
  static unknown(repository: SourceRepository, folder: string): FolderFacts {
    const siblings = new SiblingRuns(repository);
    return new FolderFacts(FORGETFUL, repository, folder, { known: [], siblings });
  }

  /** What `read` finds out, or has found out when the file was the same.
   *  @param entry a file of this folder or below it, as this look lists it
   *  @param about names the question
   *  @param read answers in plain JSON, from this file and those beside it alone
   *  @param beside further files that the answer depends on */
  async fact<T>(
    entry: RepositoryEntry,
    about: string,
    read: () => Promise<Finding<T>>,
    beside: readonly RepositoryEntry[] = [],
  ): Promise<Finding<T>> {
    const files = [entry, ...beside];
    const stamp = stampsText(files);
    const within = this.folder === '' ? entry.path : entry.path.slice(this.folder.length + 1);
    const key = keyOf(within, about);
    const known = this.#known.get(key);
    if (known?.[1] === stamp) {
      this.#used.set(key, known);
      return known[3] as Finding<T>;
    }
    const isSettled = files.every((file) => isSettledStamp(file.stamp));
    const finding = await read();
    if (isSettled && isLasting(finding) && (await this.#isStill(files))) {
      this.#used.set(key, [within, stamp, about, finding]);
      this.#isNew = true;
    }
    return finding;
  }

  /** To be called when the folder was looked at: files that are gone are forgotten. */
  keep(): void {
    if (!this.repository.capabilities.stampsProve) return;
    if (this.#isNew || this.#used.size < this.#known.size)
      this.store.save(
        keyOfFolder(this.repository, this.folder),
        JSON.stringify([...this.#used.values()]),
      );
  }

  /** Only then is what was read an answer about the files with these stamps. */
  async #isStill(files: readonly RepositoryEntry[]): Promise<boolean> {
    if (!this.repository.capabilities.stampsProve) return false;
    for (const { path, stamp } of files) {
      const now = await this.repository.stat(path);
      if (now === null || stampText(now.stamp) !== stampText(stamp)) return false;
    }
    return true;
  }
}

function isLasting(finding: Finding<unknown>): boolean {
  return !('fault' in finding) || finding.fault.state !== 'unknown';
}

function keyOfFolder({ id }: SourceRepository, folder: string): string {
  return `${id}/${folder}`;
}

function keyOf(within: string, about: string): string {
  return `${within}\n${about}`;
}

/** Of a file with others beside it, whose names count too. */
function stampsText([entry, ...beside]: readonly RepositoryEntry[]): string {
  const others = beside.map(({ name, stamp }) => `${name} ${stampText(stamp)}`);
  return [stampText(entry!.stamp), ...others].join('\n');
}

function stampText({ sizeBytes, modifiedAtNs, changedAtNs, inode }: FileStamp): string {
  return [sizeBytes, modifiedAtNs, changedAtNs, inode].join('/');
}

/** Whether bytes written from now on give the file another stamp. */
function isSettledStamp(stamp: FileStamp): boolean {
  return newestChangeMs(stamp) < Date.now() - SETTLED_MS;
}

/** Names the bytes of a file for as long as its stamp is the same; undefined where stamps do not prove that. */
export function provenContent(
  { id, capabilities }: SourceRepository,
  { path, stamp }: { readonly path: string; readonly stamp: FileStamp },
): string | undefined {
  const isProven = capabilities.stampsProve && isSettledStamp(stamp);
  return isProven ? `${id}/${path} ${stampText(stamp)}` : undefined;
}

function newestChangeMs({ modifiedAtNs, changedAtNs }: FileStamp): number {
  return Math.max(Number(modifiedAtNs), Number(changedAtNs)) / 1e6;
}
