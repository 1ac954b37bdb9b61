import { setTimeout } from 'node:timers/promises';
import { UNREACHABLE, type RepositoryDescription } from '../../domain/targets/repository-view.js';

/** Who looks at a list waits for one repository no longer; a disk that has to start is there at the next look. */
const SOON_MS = 5_000;
/** For a repository that did not answer before: an answer that is there is taken. */
const AGAIN_MS = 500;

/** An answer that came too late for who asked is for the next who asks so soon after it. */
const LATE_VALID_MS = 30_000;

interface Silence {
  readonly sinceMs: number;
  /** null: it has ended, and its answer was late or none. */
  look: Promise<RepositoryDescription> | null;
}

/** Looks at repositories whose storage may hang. A call to such a one holds a thread until it is answered, so for each that has once been silent at most one look is
 *  under way, however often it is asked for. */
export class SilentLooks {
  readonly #silences = new Map<string, Silence>();
  readonly #late = new Map<string, { description: RepositoryDescription; endedMs: number }>();

  constructor(
    private readonly look: (repositoryId: string) => Promise<RepositoryDescription>,
    private readonly now: () => number,
    private readonly soonMs = SOON_MS,
  ) {}

  /** @throws what the look throws */
  async describe(repositoryId: string): Promise<RepositoryDescription> {
    const silence = this.#silences.get(repositoryId);
    if (silence === undefined) {
      const late = this.#late.get(repositoryId);
      this.#late.delete(repositoryId);
      if (late !== undefined && Math.abs(this.now() - late.endedMs) < LATE_VALID_MS)
        return late.description;
      const sinceMs = this.now();
      const look = this.look(repositoryId);
      const description = await within(this.soonMs, look);
      if (description !== null) return description;
      if (!this.#silences.has(repositoryId)) void this.#follow(repositoryId, sinceMs, look);
      return notAnswering(this.now() - sinceMs);
    }
    const look =
      silence.look ?? this.#follow(repositoryId, silence.sinceMs, this.look(repositoryId));
    const description = await within(Math.min(AGAIN_MS, this.soonMs), look);
    return description === null || this.#silences.has(repositoryId)
      ? notAnswering(this.now() - silence.sinceMs)
      : description;
  }

  /** It is silent until a look reaches it, or says soon why it does not. */
  #follow(
    repositoryId: string,
    sinceMs: number,
    look: Promise<RepositoryDescription>,
  ): Promise<RepositoryDescription> {
    const silence: Silence = { sinceMs, look };
    const begunMs = this.now();
    this.#silences.set(repositoryId, silence);
    look.then(
      (description) => {
        const { reachable } = description;
        const endedMs = this.now();
        const isSoon = endedMs - begunMs < this.soonMs;
        if (reachable && !isSoon) this.#late.set(repositoryId, { description, endedMs });
        if (reachable || isSoon) this.#silences.delete(repositoryId);
        else silence.look = null;
      },
      () => (silence.look = null),
    );
    return look;
  }
}

/** null: it takes longer. */
async function within<T>(ms: number, look: Promise<T>): Promise<T | null> {
  const waiting = new AbortController();
  const late = setTimeout(ms, null, { ref: false, signal: waiting.signal });
  late.catch(() => undefined); // it was in time
  try {
    return await Promise.race([look, late]);
  } finally {
    waiting.abort();
    look.catch(() => undefined); // nobody may wait for it any more when it fails
  }
}

function notAnswering(forMs: number): RepositoryDescription {
  const seconds = Math.max(0, Math.round(forMs / 1000));
  return {
    ...UNREACHABLE,
    reason: `its storage, or its worker, has not answered for ${seconds} s`,
  };
}
