import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderNames } from '../backup-layout.js';

/** Names of files and folders in one folder. */
export type NamesIn = Pick<FolderNames, 'files' | 'folders'>;

export function namesOf(entries: readonly RepositoryEntry[]): NamesIn {
  const of = (wanted: string): string[] =>
    entries.flatMap(({ type, name }) => (type === wanted ? [name] : []));
  return { files: of('file'), folders: of('folder') };
}
