import type { SourceRepository } from '../../repository/backup-repository.js';

/** Of a source with more of them a look tells the first ones. */
const MOST_FOLDERS = 10_000;

/** The repository, with the folders that are listed noted: whatever a look finds, it finds in one of them. */
export function notingFolders(
  repository: SourceRepository,
  folders: Set<string>,
): SourceRepository {
  const note = (folder: string): void => {
    if (folders.size < MOST_FOLDERS) folders.add(folder);
  };
  const noted: Pick<SourceRepository, 'list' | 'entries'> = {
    list(folder) {
      note(folder);
      return repository.list(folder);
    },
    entries(folder, after) {
      note(folder);
      return repository.entries(folder, after);
    },
  };
  // Its methods are those of a class, which a copy of the object does not have, and ask for the object itself.
  return new Proxy(repository, {
    get(target, name): unknown {
      if (name === 'list' || name === 'entries') return noted[name];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
