import {
  CHAIN_RECORD_COPY_NAME,
  CHAIN_RECORD_NAME,
  JOB_DEFINITION_NAME,
  SESSIONS_FOLDER,
} from './chain-paths.js';
import type { ChainRecord } from './chain-record.js';
import { isAtHome, readChainRecord } from './chain-store.js';
import { BackupError } from '../domain/errors.js';
import { isFolderPassedOver } from '../domain/passed-over.js';
import type { UnreadablePart } from '../domain/repository-view.js';
import type { BackupRepository } from '../repository/backup-repository.js';
import { unreadablePart } from './unreadable.js';

export interface FoundChain {
  /** Path within the repository. */
  readonly folder: string;
  readonly record: ChainRecord;
}

export interface ChainsFound {
  readonly chains: readonly FoundChain[];
  /** Folders of chains whose record cannot be trusted: what is not known is never taken for absent, and never keeps the others from
   *  being seen. */
  readonly unreadable: readonly UnreadablePart[];
}

/** All of Longhaul's chains in a repository: `<job>/<workload>/chain.json`.
 *  @throws REPOSITORY_UNREACHABLE */
export async function findChains(repository: BackupRepository): Promise<ChainsFound> {
  const chains: FoundChain[] = [];
  const unreadable: UnreadablePart[] = [];
  const look = async (folder: string, find: () => Promise<void>) => {
    try {
      await find();
    } catch (error) {
      unreadable.push(unreadablePart(folder, error));
    }
  };
  for (const job of await repository.list('')) {
    // A chain in the recycle bin of a NAS is gone.
    if (job.type !== 'folder' || isFolderPassedOver(job.name)) continue;
    await look(job.path, async () => {
      const entries = await repository.list(job.path);
      // In a job's folder a chain may have lost its record; elsewhere a folder without one is none of ours.
      const isOwn = entries.some(({ name }) => OF_A_JOB.includes(name));
      for (const { type, path } of entries)
        if (type === 'folder')
          await look(path, async () => {
            if (!isOwn && !(await hasRecord(repository, path))) return;
            const record = await readChainRecord(repository, path);
            if (record !== null) chains.push({ folder: path, record });
          });
    });
  }
  return { chains, unreadable };
}

const OF_A_JOB: readonly string[] = [JOB_DEFINITION_NAME, SESSIONS_FOLDER];

/** The same for what is done to a chain by the names of its job and workload: one that lies elsewhere is shown as unreadable. */
export async function findOwnChains(repository: BackupRepository): Promise<ChainsFound> {
  const { chains, unreadable } = await findChains(repository);
  const own = chains.filter(({ folder, record }) => isAtHome(folder, record));
  const moved = chains.filter((chain) => !own.includes(chain));
  return { chains: own, unreadable: [...unreadable, ...moved.map(foreign)] };
}

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
  repository: BackupRepository,
  folders: readonly string[],
): Promise<FoundChain[]> {
  const chains: FoundChain[] = [];
  for (const folder of folders) {
    if (folder === '') continue; // the root holds chains, it is none
    if (!(await hasRecord(repository, folder))) continue;
    const record = await readChainRecord(repository, folder);
    if (record !== null) chains.push({ folder, record });
  }
  return chains;
}

async function hasRecord(repository: BackupRepository, folder: string): Promise<boolean> {
  for (const name of [CHAIN_RECORD_NAME, CHAIN_RECORD_COPY_NAME])
    if ((await repository.stat(`${folder}/${name}`)) !== null) return true;
  return false;
}
