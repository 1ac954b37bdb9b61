/** Parts of a message as sentences, one behind the other: each ends with one full stop, whether it brought its own or not. */
export function sentences(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`))
    .join(' ');
}

/** The first of many, and how many there are beside: lists of texts go through payloads of a limited size. */
export function firstTexts(texts: readonly string[]): readonly string[] {
  const rest = texts.length - MOST_TEXTS;
  return rest <= 0 ? texts : [...texts.slice(0, MOST_TEXTS), `and ${rest} more like these`];
}

const MOST_TEXTS = 20;
