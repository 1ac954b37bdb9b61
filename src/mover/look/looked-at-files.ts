import { chainFolder } from '../../chain/chain-paths.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { unreadablePart, type UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { FactStore } from '../../layout/file-facts.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { lostFiles, type LostFiles } from '../change/lost-files.js';
import { comparedFiles, withLostPoints } from '../tree/health/lost-points.js';
import { SeenFiles } from './seen-files.js';

/** Of the four minutes that a look may take, and the two of a list: on slow storage the rest waits for later looks. */
const MAX_MS = 45_000;

interface Copies {
  readonly chains: readonly ChainRecord[];
  readonly trees: readonly TreeRecord[];
}

/** What the folders of a target tell of the files of its copies, as often as `SeenFiles` lets them be asked. Where they cannot be looked at, a record
 *  stands as it was written, and the copy is named. */
export class LookedAtFiles {
  readonly unreadable: UnreadablePart[] = [];
  readonly #chains = new Map<string, LostFiles>();
  readonly #trees = new Map<string, TreeRecord>();

  private constructor(
    private readonly repository: SourceRepository,
    private readonly seen: SeenFiles,
    private readonly nowMs: number,
  ) {}

  static async of(
    store: FactStore,
    repository: SourceRepository,
    copies: Copies,
    nowMs: number,
  ): Promise<LookedAtFiles> {
    const seen = await SeenFiles.of(store, repository.id, nowMs);
    const files = new LookedAtFiles(repository, seen, nowMs);
    await files.#look(copies);
    seen.keep();
    return files;
  }

  chain(record: ChainRecord): Pick<LostFiles, 'record' | 'lost' | 'fileFault'> {
    return this.#chains.get(folderOf(record)) ?? { record, lost: NONE_LOST, fileFault: null };
  }

  /** The record, in which points that lack files are corrupt. */
  tree(record: TreeRecord): TreeRecord {
    return this.#trees.get(folderOf(record)) ?? record;
  }

  async #look(copies: Copies): Promise<void> {
    const chains = new Map(copies.chains.map((record) => [folderOf(record), record]));
    const trees = new Map(copies.trees.map((record) => [folderOf(record), record]));
    const candidates = [
      ...copies.chains.map((record) => candidate(record, filesOfChain(record))),
      ...copies.trees.map((record) => candidate(record, comparedFiles(record))),
    ];
    const untilMs = performance.now() + MAX_MS;
    for (const folder of this.seen.due(candidates)) {
      if (performance.now() > untilMs && !this.seen.lackedFiles(folder)) break;
      const chain = chains.get(folder);
      if (chain !== undefined) await this.#lookAtChain(folder, chain);
      const tree = trees.get(folder);
      if (tree !== undefined) await this.#lookAtTree(folder, tree, true);
      trees.delete(folder);
    }
    for (const [folder, tree] of trees) await this.#lookAtTree(folder, tree, false);
  }

  async #lookAtChain(folder: string, record: ChainRecord): Promise<void> {
    try {
      const files = await lostFiles(this.repository, folder, record);
      this.#chains.set(folder, files);
      this.seen.note(folder, files.record.revision, files.isWhole);
    } catch (error) {
      const part = unreadablePart(folder, error);
      this.unreadable.push(part);
      this.#chains.set(folder, { ...UNKNOWN, record, fileFault: part.reason });
    }
  }

  async #lookAtTree(folder: string, listed: TreeRecord, compares: boolean): Promise<void> {
    try {
      const look = { compares, nowMs: this.nowMs };
      const { record, isWhole } = await withLostPoints(this.repository, folder, listed, look);
      this.#trees.set(folder, record);
      if (compares || !isWhole) this.seen.note(folder, record.revision, isWhole);
    } catch (error) {
      this.unreadable.push(unreadablePart(folder, error));
    }
  }
}

const NONE_LOST: LostFiles['lost'] = new Map();
const UNKNOWN = { lost: NONE_LOST, isWhole: false };

type Kept = Pick<ChainRecord, 'jobId' | 'workload' | 'revision'>;

function folderOf({ jobId, workload }: Kept): string {
  return chainFolder(jobId, workload.id);
}

function candidate(record: Kept, fileCount: number) {
  return { folder: folderOf(record), revision: record.revision, fileCount };
}

function filesOfChain({ points }: ChainRecord): number {
  return points.reduce((sum, { disks, companions }) => sum + disks.length + companions.length, 0);
}
