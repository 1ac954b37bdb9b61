import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';
import { faultOfError, type Finding } from './point-fault.js';

/** As many tell what a file is. */
const START_BYTES = 16;

/** The first bytes of a file, one character each. */
export function fileStart(facts: FolderFacts, entry: RepositoryEntry): Promise<Finding<string>> {
  return facts.fact(entry, 'magic', () => startOf(facts, entry));
}

async function startOf(facts: FolderFacts, { path }: RepositoryEntry): Promise<Finding<string>> {
  try {
    const file = await facts.repository.openRead(path);
    try {
      const bytes = Buffer.alloc(START_BYTES);
      const count = await file.read(bytes, 0);
      return { value: bytes.toString('latin1', 0, count) };
    } finally {
      await file.close();
    }
  } catch (error) {
    return faultOfError(error);
  }
}
