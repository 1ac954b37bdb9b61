import { BackupError } from '../../../src/domain/errors.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';

/** Runs `action` while one folder of a repository cannot be listed. */
export async function withUnread(
  repository: SourceRepository,
  unread: string,
  action: () => Promise<void>,
): Promise<void> {
  const list = repository.list.bind(repository);
  Object.assign(repository, {
    list: (folder: string) =>
      folder === unread
        ? Promise.reject(
            new BackupError('REPOSITORY_IO_ERROR', `${folder}: I/O error`, {
              details: { path: folder },
            }),
          )
        : list(folder),
  });
  try {
    await action();
  } finally {
    Object.assign(repository, { list });
  }
}
