/** Patterns over names of workloads: `*` is any text, also none, `?` one character, everything else itself, in its case. */

/** Whether a word that a person wrote means a pattern and not a name; in a definition the field tells. */
export function isPattern(word: string): boolean {
  return /[*?]/.test(word);
}

/** Whether the whole of `text` is of the pattern. Takes at most the product of both lengths, whatever they hold. */
export function matchesPattern(pattern: string, text: string): boolean {
  const wanted = [...pattern];
  const given = [...text];
  let at = 0;
  let starAt = -1;
  let resumeAt = 0;
  for (let place = 0; place < given.length;) {
    const sign = wanted[at];
    if (sign === '*') {
      starAt = at;
      resumeAt = place;
      at += 1;
    } else if (sign !== undefined && (sign === '?' || sign === given[place])) {
      at += 1;
      place += 1;
    } else if (starAt >= 0) {
      // The last star takes one character more: stars before it need no second try.
      at = starAt + 1;
      resumeAt += 1;
      place = resumeAt;
    } else return false;
  }
  return wanted.slice(at).every((sign) => sign === '*');
}
