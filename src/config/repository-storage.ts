/** What the row of its kind knows of a configured repository, for layers that know no kinds. */

import { z } from 'zod';
import { kindOf, REPOSITORY_KINDS } from '../repository/kinds.js';
import type { StorageSettings } from '../repository/repository-kind.js';
import type { RepositoryConfig } from './config.js';
import { filePath, PATH_ALLOWED } from './setting-schemas.js';

const PIECES = { z, filePath, pathAllowed: PATH_ALLOWED };

/** The settings of each kind, in the order of the rows. */
export const KIND_SETTINGS = REPOSITORY_KINDS.map(({ kind, settings }) => ({
  kind,
  settings: settings(PIECES),
}));

/** `kind` and the settings of this kind alone. */
export function storageOf(repository: RepositoryConfig): StorageSettings {
  return { kind: repository.kind, ...ownSettings(repository) };
}

/** Without `kind`. */
export function ownSettings(repository: RepositoryConfig): Record<string, unknown> {
  const own = KIND_SETTINGS.find(({ kind }) => kind === repository.kind)?.settings ?? {};
  return Object.fromEntries(Object.entries(repository).filter(([name]) => name in own));
}

/** What every repository has. */
export function sharedSettings(repository: RepositoryConfig): RepositoryConfig {
  const own = ownSettings(repository);
  const shared = Object.entries(repository).filter(([name]) => !(name in own));
  return Object.fromEntries(shared) as unknown as RepositoryConfig;
}

/** Where it is, for people. */
export function placeOf(repository: RepositoryConfig): string {
  return kindOf(repository).place(repository);
}

/** Absolute folder of this machine whose files are the repository's; null: there is none. */
export function folderOf(repository: RepositoryConfig): string | null {
  return kindOf(repository).folder(repository);
}
