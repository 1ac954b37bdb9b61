import { CHAIN_RECORD_COPY_NAME, CHAIN_RECORD_NAME } from '../../chain/chain-paths.js';
import { isBackupError } from '../../domain/errors.js';
import { namesOfWorkload, type NamedWorkload } from '../../domain/jobs/source-scope.js';
import { provenContent, type FactStore } from '../../layout/file-facts.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { TREE_RECORD_COPY_NAME, TREE_RECORD_NAME } from '../../tree/tree-paths.js';

/** What decides of which workload a folder of a target holds copies. */
const RECORDS = [
  CHAIN_RECORD_NAME,
  CHAIN_RECORD_COPY_NAME,
  TREE_RECORD_NAME,
  TREE_RECORD_COPY_NAME,
] as const;

/** Folder, the content of its records, and what the workload of each is called. */
type Known = readonly [folder: string, content: string, names: readonly string[]];

/** What the workloads are called of which a target holds copies: only their records tell, and these list all their points. The process remembers it
 *  for as long as the records are the same, so that a list of one workload reads the records of that one. A folder whose records could not be read is
 *  none that is known, and is read each time. */
export class KnownNames {
  readonly #known: ReadonlyMap<string, Known>;
  readonly #used = new Map<string, Known>();
  /** By folder: what its records held before they were read; undefined: nothing proves that. */
  readonly #contents = new Map<string, Promise<string | undefined>>();

  private constructor(
    private readonly repository: SourceRepository,
    private readonly store: FactStore,
    known: readonly Known[],
  ) {
    this.#known = new Map(known.map((each) => [each[0], each]));
  }

  static async of(repository: SourceRepository, store: FactStore): Promise<KnownNames> {
    const text = await store.load(keyOf(repository));
    return new KnownNames(repository, store, text === null ? [] : (JSON.parse(text) as Known[]));
  }

  /** Whether the folder of a copy may be of a workload that is called so: only a record that is the same as when it was read says no. */
  async mayBe(folder: string, name: string): Promise<boolean> {
    const known = this.#known.get(folder);
    const content = await this.#contentOf(folder);
    if (known === undefined || known[1] !== content) return true;
    this.#used.set(folder, known);
    return known[2].includes(name);
  }

  /** @param workload as the record says that was read after `mayBe` */
  async note(folder: string, workload: NamedWorkload): Promise<void> {
    const content = await this.#contentOf(folder);
    if (content === undefined) return;
    // A chain and a tree in one folder have one id, and may have two names.
    const names = new Set([...(this.#used.get(folder)?.[2] ?? []), ...namesOfWorkload(workload)]);
    this.#used.set(folder, [folder, content, [...names]]);
  }

  /** For later lists. */
  keep(): void {
    this.store.save(keyOf(this.repository), JSON.stringify([...this.#used.values()]));
  }

  #contentOf(folder: string): Promise<string | undefined> {
    const asked = this.#contents.get(folder);
    if (asked !== undefined) return asked;
    // What cannot be asked for is read, and the reader says what is wrong.
    const content = this.#askContent(folder).catch(unproven);
    this.#contents.set(folder, content);
    return content;
  }

  async #askContent(folder: string): Promise<string | undefined> {
    const contents: string[] = [];
    for (const name of RECORDS) {
      const entry = await this.repository.stat(`${folder}/${name}`);
      if (entry === null) continue;
      const content = provenContent(this.repository, entry);
      if (content === undefined) return undefined;
      contents.push(content);
    }
    return contents.length === 0 ? undefined : contents.join('\n');
  }
}

function unproven(error: unknown): undefined {
  if (!isBackupError(error)) throw error;
}

function keyOf({ id }: SourceRepository): string {
  return JSON.stringify(['names of copies', id]);
}
