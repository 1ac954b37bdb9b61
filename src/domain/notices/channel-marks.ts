/** What channels know of what is open, as one run of the watch hands it to the next: a sign for each alert instead of its key. Keys of 500 characters, for each
 *  of a hundred channels, are more than a run can be begun with. Pure. */

import { keysOf, type OpenAlert } from './alert-ledger.js';
import type { ChannelKnowledge } from './channel-news.js';

const KNOWN = 'k';
const WAITS = 'w';
const NOTHING = '.';

/** Keys of what is not open any more are left out: they say nothing. */
export function marked<Memory extends ChannelKnowledge>(
  open: readonly OpenAlert[],
  memory: Memory,
): Memory {
  const { knows, waits } = memory;
  if (knows === undefined) return memory;
  const known = new Set(knows);
  const waiting = new Set(waits?.begun);
  const marks = open.map(({ problem: { key } }) => {
    if (known.has(key)) return KNOWN;
    return waiting.has(key) ? WAITS : NOTHING;
  });
  return {
    ...memory,
    knows: [],
    ...(waits === undefined ? {} : { waits: { ...waits, begun: [] } }),
    marks: marks.join(''),
  };
}

export function unmarked<Memory extends ChannelKnowledge>(
  open: readonly OpenAlert[],
  memory: Memory,
): Memory {
  const { marks, ...rest } = memory;
  if (marks === undefined) return memory;
  const keysAt = (sign: string) => [...keysOf(open.filter((_, index) => marks[index] === sign))];
  const { waits } = memory;
  return {
    ...(rest as Memory),
    knows: keysAt(KNOWN),
    ...(waits === undefined ? {} : { waits: { ...waits, begun: keysAt(WAITS) } }),
  };
}
