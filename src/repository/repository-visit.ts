import type { RepositoryAccess, VisitedRepository } from './open-repository.js';

/** The repositories of one piece of work: each is looked for once, and keeps its folders open until the work is done. Not for longer: an
 *  open folder keeps its share from being unmounted, and is not looked for again. */
export class RepositoryVisit {
  readonly #open: (id: string) => Promise<VisitedRepository>;
  readonly #visited = new Map<string, Promise<VisitedRepository>>();

  constructor(open: (id: string) => Promise<VisitedRepository>) {
    this.#open = open;
  }

  /** @throws what `open` throws; then it is looked for again the next time */
  repository(id: string): Promise<RepositoryAccess> {
    const known = this.#visited.get(id);
    if (known !== undefined) return known;
    const opening = this.#open(id);
    this.#visited.set(id, opening);
    opening.catch(() => this.#visited.delete(id));
    return opening;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#visited.values());
    for (const visited of opened) if (visited.status === 'fulfilled') await visited.value.close();
  }
}
