interface Looks {
  running: Promise<unknown>;
  /** Begins when the running one has ended; null: nobody waits. */
  next: Promise<unknown> | null;
}

/** Looks of many viewers, at most one running and one waiting for each key. What was so before a viewer asked is in his answer, because the
 *  look that answers him begins after he has asked. */
export class SharedLooks {
  readonly #looks = new Map<string, Looks>();

  share<Result>(key: string, look: () => Promise<Result>): Promise<Result> {
    const known = this.#looks.get(key);
    if (known === undefined) return this.#run(key, look);
    known.next ??= known.running.then(
      () => this.#run(key, look),
      () => this.#run(key, look),
    );
    return known.next as Promise<Result>;
  }

  #run<Result>(key: string, look: () => Promise<Result>): Promise<Result> {
    const running = look();
    const looks: Looks = { running, next: null };
    this.#looks.set(key, looks);
    const end = (): void => {
      if (looks.next === null) this.#looks.delete(key);
    };
    running.then(end, end);
    return running;
  }
}
