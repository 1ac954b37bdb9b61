/** Keys with which the server recognises an order that is sent again, because its answer was lost. Pure, but for the keys. */

/** For so long an order that is sent again is taken for the same; later, somebody wants it once more. */
const SAME_ORDER_MS = 10 * 60_000;

/** Of one button or dialog. */
export class OrderKey {
  #last: { readonly key: string; readonly order: string; readonly sinceMs: number } | null = null;

  constructor(private readonly newKey: () => string) {}

  /** The key of an order: that of its last try, as long as that one was not answered with success.
   *  @param order all of what is sent: another order is no repeat */
  of(order: string, nowMs: number): string {
    const last = this.#last;
    if (last?.order === order && nowMs - last.sinceMs < SAME_ORDER_MS) return last.key;
    const key = this.newKey();
    this.#last = { key, order, sinceMs: nowMs };
    return key;
  }

  /** It was taken: the next one is another order, also of the same. */
  taken(): void {
    this.#last = null;
  }
}
