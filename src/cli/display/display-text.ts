/** Values as people read them, and the only way in which they become text for a terminal. */

import { printable } from '../../domain/printable.js';
import { fitTable, type TableFit } from './fit-table.js';

declare const DISPLAYED: unique symbol;

/** Text in which nothing that came from outside can act on the terminal or begin a line of its own. The functions of this file alone make it;
 *  what is printed must be of this type. */
export type DisplayText = string & { readonly [DISPLAYED]: true };

/** One line: the values are shown as `printable`, the rest as it is written. */
export function display(
  words: TemplateStringsArray,
  ...values: readonly (string | number)[]
): DisplayText {
  return asDisplayed(
    String.raw({ raw: words }, ...values.map((value) => printable(String(value)))),
  );
}

/** Parts below each other. */
export function displayLines(parts: readonly DisplayText[]): DisplayText {
  return asDisplayed(parts.join('\n'));
}

/** Text that may have several lines, such as a list of faults or a page of help. */
export function displayText(text: string): DisplayText {
  return asDisplayed(text.split('\n').map(printable).join('\n'));
}

/** @param indent as of `JSON.stringify`; 0: one line. The escapes are those of JSON, so it reads the same. */
export function displayJson(content: unknown, indent: number): DisplayText {
  return displayText(JSON.stringify(content, null, indent) ?? 'null');
}

function asDisplayed(text: string): DisplayText {
  return text as DisplayText;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1536` → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** power;
  return `${power === 0 ? String(value) : value.toFixed(1)} ${UNITS[power] ?? ''}`;
}

/** `3725` → `1h 2m`; below a minute `42s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3_600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}

/** `2026-11-24T22:00:00.000Z` → `2026-11-24 22:00:00Z`; `-` for none. */
export function formatInstant(instant: string | null): string {
  return instant === null ? '-' : instant.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** Rows under a head, without colour or frame. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  fit: TableFit = { columns: Infinity },
): DisplayText {
  const shown = rows.map((row) => row.map(printable));
  return asDisplayed(fitTable(head, shown, fit));
}

/** Names and values in two columns; several values of one name are lines. */
export function formatFields(fields: readonly (readonly [string, string])[]): DisplayText {
  const width = Math.max(0, ...fields.map(([name]) => name.length));
  return displayLines(fields.map(([name, value]) => display`${name.padEnd(width)}  ${value}`));
}
