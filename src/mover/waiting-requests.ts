import { awaitedStorage, type AwaitedStorage } from '../repository/unanswered-calls.js';
import type { ThreadWaits } from './thread-messages.js';

/** How often a thread tells which of its requests wait. */
const TELL_MS = 1_000;

/** The requests of a thread, and the repositories that each has asked for. A thread of lists never waits itself, and one that copies does not for
 *  `datasync`: it goes on when storage is silent, so only it can tell which of its requests do not. */
export class WaitingRequests {
  readonly #asked = new Map<number, Set<string>>();

  constructor(private readonly awaited: () => readonly AwaitedStorage[] = () => awaitedStorage()) {}

  /** Before the repository is opened. */
  asks(id: number, repositoryId: string): void {
    const asked = this.#asked.get(id) ?? new Set<string>();
    this.#asked.set(id, asked.add(repositoryId));
  }

  end(id: number): void {
    this.#asked.delete(id);
  }

  /** Those that asked for storage which has not answered for so long. Whose call it is that waits is not known: the next one would, too. */
  waits(fromMs: number): ThreadWaits['waits'] {
    const silent = this.awaited().filter(({ forMs }) => forMs >= fromMs);
    if (silent.length === 0) return [];
    return [...this.#asked].flatMap(([id, asked]) =>
      silent.flatMap((each) => (asked.has(each.repositoryId) ? [{ id, ...each }] : [])),
    );
  }
}

/** Tells now and then, as long as there is something to tell, and once when there is no more. */
export function tellWaits(requests: WaitingRequests, tell: (message: ThreadWaits) => void): void {
  let hadWaits = false;
  setInterval(() => {
    const waits = requests.waits(TELL_MS);
    if (waits.length > 0 || hadWaits) tell({ type: 'waits', waits });
    hadWaits = waits.length > 0;
  }, TELL_MS).unref();
}
