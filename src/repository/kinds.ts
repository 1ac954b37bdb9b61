import { directoryKind } from './directory/directory-kind.js';
import type { RepositoryKind, StorageSettings } from './repository-kind.js';

/** A row is only handed settings of its own kind: `kindOf` sees to it. */
function row<S extends StorageSettings>(kind: RepositoryKind<S>): RepositoryKind {
  return kind as unknown as RepositoryKind;
}

/** The kinds of storage; the first is what an entry of the configuration without `kind` has. A row is the only place that knows one. */
export const REPOSITORY_KINDS: readonly RepositoryKind[] = [row(directoryKind)];

export function defaultKind(): string {
  return REPOSITORY_KINDS[0]?.kind ?? '';
}

/** @throws Error for a kind that no row has: the configuration lets none through */
export function kindOf({ kind }: StorageSettings): RepositoryKind {
  const row = REPOSITORY_KINDS.find((entry) => entry.kind === kind);
  if (row === undefined) throw new Error(`no kind of storage is called ${kind}`);
  return row;
}

/** The table of docs/OPERATIONS.md, Kinds of storage, as Markdown. */
export function renderKindTable(): string {
  const rows = REPOSITORY_KINDS.map(
    ({ kind, meaning, limits }) =>
      `| \`${kind}\` | ${meaning} | ${limits.length === 0 ? 'nothing of what is needed' : limits.join(' ')} |`,
  );
  return ['| Kind | What it is | What it cannot do |', '| --- | --- | --- |', ...rows].join('\n');
}
