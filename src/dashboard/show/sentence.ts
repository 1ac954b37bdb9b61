/** One full stop at the end, and only there. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** A reason without the hint that it ends with: the page says that as the next step. */
export function withoutHint(reason: string, hint: string): string {
  return hint !== '' && reason.endsWith(sentence(hint))
    ? reason.slice(0, -sentence(hint).length).trim()
    : reason;
}
