/** Parts of a message as sentences, one behind the other: each ends with one full stop, whether it brought its own or not. */
export function sentences(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`))
    .join(' ');
}

/** `1 file`, `2 files`; a verb that goes with it may stand in both. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

/** `"a", "b", "c", "d", "e" and 3 more`: of many names the first, in the quotes of JSON. */
export function quotedNames(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  const list = names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name));
  return `${list.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const MOST_NAMES = 5;

/** `1 of 3 files is lost`: the verb goes with the part, what is counted with the whole. */
export function countedOf(
  [part, all]: readonly [part: number, all: number],
  [one, many]: readonly [one: string, many: string],
  [isSo, areSo]: readonly [isSo: string, areSo: string],
): string {
  return `${String(part)} of ${counted(all, one, many)} ${part === 1 ? isSo : areSo}`;
}

/** Texts without the sentences that all of them end with, and these: one hint for many things is said once. What is left of each is never empty; a single text stays whole. */
export function withoutSharedEnd(texts: readonly string[]): {
  readonly texts: readonly string[];
  readonly shared: string;
} {
  const [first = [], ...others] = texts.map(sentencesOf);
  if (others.length === 0) return { texts, shared: '' };
  const most = Math.min(first.length, ...others.map(({ length }) => length)) - 1;
  let count = 0;
  while (count < most && others.every((other) => other.at(-1 - count) === first.at(-1 - count)))
    count++;
  if (count === 0) return { texts, shared: '' };
  return {
    texts: [first, ...others].map((parts) => parts.slice(0, -count).join(' ')),
    shared: first.slice(-count).join(' '),
  };
}

/** A new sentence begins with a capital, or with something to type. */
function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?…]) (?=[A-Z`])/);
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
