/** Output of the command: nothing else writes to a terminal. */

import { displayLines, displayText, type DisplayText } from './display-text.js';
import type { Terminal } from './terminal.js';

/** Erase the line and go to its start (ECMA-48, EL and CR). */
const CLEAR_LINE = '\r\u001b[2K';

/** A line, or several; in place of a bar that stands there. */
export function print(terminal: Terminal, text: DisplayText, { overBar = false } = {}): void {
  terminal.out(`${overBar ? CLEAR_LINE : ''}${text}\n`);
}

/** Stands in the last line until something else is printed over it. */
export function printBar(terminal: Terminal, bar: DisplayText): void {
  terminal.out(`${CLEAR_LINE}${bar}`);
}

export function printError(terminal: Terminal, ...lines: readonly DisplayText[]): void {
  terminal.err(`${displayLines(lines)}\n`);
}

/** What the option parser says: it has its line ends, and the words that were typed. */
export function printParsed(terminal: Terminal, stream: 'out' | 'err', text: string): void {
  terminal[stream](displayText(text));
}
