/** What has to be stopped again, in the opposite order of its start. Each is added right after what it stops was started: nothing may come between that can
 *  fail, or a process would be left that neither serves nor ends. */
export class Stops {
  readonly #stops: (() => Promise<void>)[] = [];

  add(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  /** All of them, also when one fails; a repeat stops nothing twice. @throws the first failure, when all were tried */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let last = this.#stops.pop(); last !== undefined; last = this.#stops.pop())
      await last().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}
