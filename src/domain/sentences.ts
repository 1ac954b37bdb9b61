/** Parts of a message as sentences, one behind the other: each ends with one full stop, whether it brought its own or not. */
export function sentences(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`))
    .join(' ');
}

/** The first of many, and how many there are beside: lists of texts go through payloads of a limited size. What a list was cut by before counts as what it says. */
export function firstTexts(texts: readonly string[]): readonly string[] {
  const named = texts.filter((text) => !MORE.test(text));
  const before = texts.reduce((sum, text) => sum + Number(MORE.exec(text)?.[1] ?? 0), 0);
  const rest = Math.max(0, named.length - MOST_TEXTS) + before;
  return rest === 0 ? texts : [...named.slice(0, MOST_TEXTS), `and ${rest} more like these`];
}

const MORE = /^and (\d+) more like these$/;

const MOST_TEXTS = 20;
