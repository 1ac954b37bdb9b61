/** Whoever is told: it reads messages as a person does and knows nothing of how they come about. */

interface Message {
  readonly number: number;
  readonly lines: readonly string[];
}

/** What one message says of the problems p0, p1, …: by their names. */
interface Said {
  /** A message was refused before: what it knew does not count. */
  readonly isAgain: boolean;
  readonly begun: readonly string[];
  /** Seen as well. */
  readonly well: readonly string[];
  /** Not seen any more, which is not the same. */
  readonly lost: readonly string[];
}

export function said({ lines }: Pick<Message, 'lines'>): Said {
  const named = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  return {
    isAgain: lines[0]?.startsWith('A message to this channel was refused before') ?? false,
    begun: named(/^(p\d+) is wrong \(/),
    well: named(/^Well again after .*: (p\d+) is wrong$/),
    lost: named(/^No longer seen .* after .*: (p\d+) is wrong$/),
  };
}

/** Believes messages in the order of their numbers, in whatever order they come. */
export class AlarmReceiver {
  readonly #messages: Message[] = [];

  take(message: Message): void {
    this.#messages.push(message);
  }

  /** Somebody else reads from here on, who knows nothing. */
  forget(): void {
    this.#messages.length = 0;
  }

  /** What is wrong, as far as it was told. */
  get believed(): Set<string> {
    const believed = new Set<string>();
    for (const message of this.#messages.toSorted((a, b) => a.number - b.number)) {
      const { isAgain, begun, well, lost } = said(message);
      if (isAgain) believed.clear();
      for (const name of begun) believed.add(name);
      for (const name of [...well, ...lost]) believed.delete(name);
    }
    return believed;
  }
}
