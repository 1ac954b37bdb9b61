import { isBackupError, type BackupError } from '../domain/errors.js';
import type { StorageProbe } from '../domain/targets/storage-probe.js';
import type { BackupRepository } from './backup-repository.js';
import { kindOf } from './kinds.js';
import type { RepositoryLocation } from './open-repository.js';

/** Probes of the targets that a process serves. One is kept for as long as its repository stays open and may be written to, unless it found a fault: that
 *  may have been mended. */
export class StorageProbes {
  readonly #locations: readonly RepositoryLocation[];
  readonly #open: (id: string) => Promise<BackupRepository>;
  readonly #known = new WeakMap<BackupRepository, StorageProbe>();

  constructor(
    locations: readonly RepositoryLocation[],
    open: (id: string) => Promise<BackupRepository>,
  ) {
    this.#locations = locations;
    this.#open = open;
  }

  /** @param again whether to probe although the answer is known
   *  @returns null for a repository that is only read
   *  @throws REPOSITORY_MISSING and errors of kind `unavailable` */
  async of(id: string, again: boolean): Promise<StorageProbe | null> {
    const location = this.#locations.find((entry) => entry.id === id);
    if (location === undefined || location.isReadOnly) return null;
    const repository = await this.#open(id);
    const known = this.#known.get(repository);
    if (known !== undefined && !again && (await mayWrite(location))) return known;
    const probe = await probed(location);
    if (probe.faults.length === 0) this.#known.set(repository, probe);
    else this.#known.delete(repository);
    return probe;
  }

  /** Work that frees more than it takes. `RepositoryKind.withReserve` of a target. */
  async withReserve<T>(id: string, work: () => Promise<T>): Promise<T> {
    const storage = this.#locations.find((entry) => entry.id === id)?.storage;
    const kind = storage && kindOf(storage);
    return kind?.withReserve === undefined ? work() : kind.withReserve(id, storage!, work);
  }

  /** `RepositoryKind.keepReserve` of a target. */
  async keepReserve(id: string): Promise<void> {
    const location = this.#locations.find((entry) => entry.id === id);
    if (location === undefined || location.isReadOnly) return;
    await kindOf(location.storage).keepReserve?.(id, location.storage);
  }
}

async function mayWrite({ storage }: RepositoryLocation): Promise<boolean> {
  return (await kindOf(storage).mayWrite?.(storage)) ?? true;
}

/** What keeps the probe itself from writing keeps every copy from it. */
async function probed(location: RepositoryLocation): Promise<StorageProbe> {
  const { id, storage } = location;
  try {
    return await kindOf(storage).probe(id, storage);
  } catch (error) {
    if (!isBackupError(error) || error.kind === 'unavailable') throw error;
    return faultyProbe(error);
  }
}

/** Of a target that cannot be used for as long as nobody mends what the error says. */
export function faultyProbe({ message, code }: BackupError): StorageProbe {
  const probedAt = new Date().toISOString();
  const fault = `${message.replaceAll(PROBE_NAME, 'probe')} (${code})`;
  return { probedAt, abilities: null, faults: [fault], warnings: [] };
}

/** Each probe has a name of its own, and a fault that reads otherwise at each look is told anew each time. */
const PROBE_NAME = /probe-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
