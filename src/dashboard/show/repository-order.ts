import type { RepositoryView } from '../../api/repositories/repository-schemas.js';

/** Targets first: they hold the copies, which is what one looks for and restores from. */
export function targetsFirst(repositories: readonly RepositoryView[]): RepositoryView[] {
  return [...repositories].sort(
    (a, b) => Number(b.role === 'target') - Number(a.role === 'target'),
  );
}
