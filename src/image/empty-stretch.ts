/** Remembers where an image holds nothing: who goes through a stack asks all its layers at every step, and a layer may hold nothing for most of
 *  the disk. */
export class EmptyStretch {
  #from = 0;
  #to = 0;

  /** First place from `at` on that is held, or `end`; what was found empty is not looked at again. */
  next(at: number, end: number, isHeld: (at: number) => boolean): number {
    let next = at >= this.#from && at < this.#to ? this.#to : at;
    while (next < end && !isHeld(next)) next += 1;
    this.#from = at;
    this.#to = next;
    return next;
  }
}
