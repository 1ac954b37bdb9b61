import {
  CHAIN_RECORD_COPY_NAME,
  CHAIN_RECORD_NAME,
  JOB_DEFINITION_NAME,
  SESSIONS_FOLDER,
} from './chain-paths.js';
import type { ChainRecord } from './chain-record.js';
import { readChainRecord } from './chain-store.js';
import { isAtHome } from './record-store.js';
import { BackupError } from '../domain/errors.js';
import { isFolderPassedOver } from '../domain/sources/passed-over.js';
import { unreadablePart, type UnreadablePart } from '../domain/targets/unreadable-part.js';
import type { RepositoryEntry, SourceRepository } from '../repository/backup-repository.js';

interface FoundChain {
  /** Path within the repository. */
  readonly folder: string;
  readonly record: ChainRecord;
}

interface ChainsFound {
  readonly chains: readonly FoundChain[];
  /** Folders of chains whose record cannot be trusted: what is not known is never taken for absent, and never keeps the others from
   *  being seen. */
  readonly unreadable: readonly UnreadablePart[];
}

/** A chain, or the folder of one (or of a whole job) that cannot be read. */
type Found = FoundChain | UnreadablePart;

/** Tells of the path of a job's folder, or of a chain's or tree's, whether it is looked at; what is not is not read. */
export type IsWanted = (path: string) => boolean | Promise<boolean>;

const ALL: IsWanted = () => true;

/** All of Longhaul's chains in a repository: `<job>/<workload>/chain.json`.
 *  @throws REPOSITORY_UNREACHABLE */
export async function findChains(repository: SourceRepository): Promise<ChainsFound> {
  return collect(walkChains(repository, ALL, READ_AT_ONCE));
}

/** The same for what is done to a chain by the names of its job and workload: one that lies elsewhere is shown as unreadable. */
export async function findOwnChains(
  repository: SourceRepository,
  isWanted = ALL,
): Promise<ChainsFound> {
  return collect(walkOwnChains(repository, isWanted, READ_AT_ONCE));
}

/** As `findOwnChains`, one after the other, in the order of the names of their jobs' folders and of their own: of two names, the one that is
 *  smaller as a string.
 *  @param atOnce so many chains of a job are read side by side, of which whoever ends early does not get the last ones */
export async function* walkOwnChains(
  repository: SourceRepository,
  isWanted = ALL,
  atOnce = 1,
): AsyncGenerator<Found> {
  for await (const found of walkChains(repository, isWanted, atOnce))
    yield 'record' in found && !isAtHome(found.folder, found.record) ? foreign(found) : found;
}

async function* walkChains(
  repository: SourceRepository,
  isWanted: IsWanted,
  atOnce: number,
): AsyncGenerator<Found> {
  for (const job of foldersOf(await repository.list(''))) {
    // A chain in the recycle bin of a NAS is gone.
    if (isFolderPassedOver(job.name) || !(await isWanted(job.path))) continue;
    const entries = await unlessUnreadable(job.path, () => repository.list(job.path));
    if ('reason' in entries) {
      yield entries;
      continue;
    }
    // In a job's folder a chain may have lost its record; elsewhere a folder without one is none of ours.
    const isOwn = entries.some(({ name }) => OF_A_JOB.includes(name));
    const look = ({ path }: RepositoryEntry) =>
      unlessUnreadable(path, async () => {
        if (!(await isWanted(path))) return null;
        return isOwn || (await hasRecord(repository, path)) ? chainIn(repository, path) : null;
      });
    for await (const found of sideBySide(foldersOf(entries), look, atOnce))
      if (found !== null) yield found;
  }
}

/** Over a network each answer is waited for; the records of some dozen chains are small enough to be held at once. */
const READ_AT_ONCE = 24;

/** What becomes of each, in their order. */
async function* sideBySide<Item, Result>(
  items: readonly Item[],
  look: (item: Item) => Promise<Result>,
  atOnce: number,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  for (const item of items) {
    const result = look(item);
    result.catch(() => undefined); // whoever asks for it learns of it; nobody may, when one before it failed
    begun.push(result);
    if (begun.length >= atOnce) yield await begun.shift()!;
  }
  while (begun.length > 0) yield await begun.shift()!;
}

function foldersOf(entries: readonly RepositoryEntry[]): RepositoryEntry[] {
  return entries.filter(({ type }) => type === 'folder').sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function chainIn(repository: SourceRepository, folder: string): Promise<FoundChain | null> {
  const record = await readChainRecord(repository, folder);
  return record === null ? null : { folder, record };
}

async function unlessUnreadable<T>(
  path: string,
  look: () => Promise<T>,
): Promise<T | UnreadablePart> {
  try {
    return await look();
  } catch (error) {
    return unreadablePart(path, error);
  }
}

async function collect(walk: AsyncIterable<Found>): Promise<ChainsFound> {
  const chains: FoundChain[] = [];
  const unreadable: UnreadablePart[] = [];
  for await (const found of walk)
    if ('record' in found) chains.push(found);
    else unreadable.push(found);
  return { chains, unreadable };
}

const OF_A_JOB: readonly string[] = [JOB_DEFINITION_NAME, SESSIONS_FOLDER];

function foreign({ folder, record: { jobId, workload } }: FoundChain): UnreadablePart {
  const { code, message } = new BackupError(
    'CHAIN_FOREIGN',
    `${folder} holds the chain of job ${jobId}, workload ${workload.name}, which belongs elsewhere`,
  );
  return { path: folder, code, reason: message };
}

/** The chains that lie in these very folders, in their order; a folder without one is passed over.
 *  @throws CHAIN_RECORD_CORRUPT */
export async function chainsIn(
  repository: SourceRepository,
  folders: readonly string[],
): Promise<FoundChain[]> {
  const chains: FoundChain[] = [];
  for (const folder of folders) {
    if (folder === '') continue; // the root holds chains, it is none
    if (!(await hasRecord(repository, folder))) continue;
    const chain = await chainIn(repository, folder);
    if (chain !== null) chains.push(chain);
  }
  return chains;
}

async function hasRecord(repository: SourceRepository, folder: string): Promise<boolean> {
  for (const name of [CHAIN_RECORD_NAME, CHAIN_RECORD_COPY_NAME])
    if ((await repository.stat(`${folder}/${name}`)) !== null) return true;
  return false;
}
