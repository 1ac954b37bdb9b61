/** Writes of this process that come one after the other, so that each sees what the one before has left. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** One that fails holds up none after it. */
  run<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#last.catch(() => undefined).then(write);
    this.#last = turn;
    return turn;
  }
}
