import type { FactStore } from '../layout/file-facts.js';

/** What a thread asks of the memory of its process. */
export type FactRequest =
  | { readonly type: 'loadFacts'; readonly ask: number; readonly key: string }
  | { readonly type: 'saveFacts'; readonly key: string; readonly text: string };

export interface FactAnswer {
  readonly type: 'facts';
  readonly ask: number;
  readonly text: string | null;
}

/** The memory of the process, as its threads see it. */
export class ThreadFacts implements FactStore {
  readonly #waiting = new Map<number, (text: string | null) => void>();
  #asks = 0;

  constructor(private readonly post: (request: FactRequest) => void) {}

  load(key: string): Promise<string | null> {
    const ask = this.#asks++;
    return new Promise((resolve) => {
      this.#waiting.set(ask, resolve);
      this.post({ type: 'loadFacts', ask, key });
    });
  }

  save(key: string, text: string): void {
    this.post({ type: 'saveFacts', key, text });
  }

  settle({ ask, text }: FactAnswer): void {
    this.#waiting.get(ask)?.(text);
    this.#waiting.delete(ask);
  }
}
