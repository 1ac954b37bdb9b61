/** Rows under a head, at most as wide as the terminal where that loses nothing that somebody would type or count. */

import Table from 'cli-table3';
import stringWidth from 'string-width';

/** How a table gets into the columns that there are. */
export interface TableFit {
  /** Infinity: piped, or not known. */
  readonly columns: number;
  /** Heads of free text, which alone may be cut; the last is cut first. Never an id, a code, a date or a number. */
  readonly cut?: readonly string[];
}

const GAP_COLUMNS = 2;
/** Below that a text says nothing, and the row is folded. */
const LEAST_CUT_COLUMNS = 12;
const INDENT = '  ';

/** Whole; else with free text cut by `…`; else each row folded into lines of `HEAD: value`. */
export function fitTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { columns, cut = [] }: TableFit,
): string {
  const widths = head.map((name, index) =>
    Math.max(stringWidth(name), ...rows.map((row) => stringWidth(row[index] ?? ''))),
  );
  const fitted = cutWidths(head, widths, { columns, cut });
  return fitted === null
    ? rows.map((row) => foldRow(head, row, columns)).join('\n')
    : frameless(head, rows, fitted);
}

/** null: they do not fit. */
function cutWidths(
  head: readonly string[],
  widths: readonly number[],
  { columns, cut = [] }: TableFit,
): readonly number[] | null {
  const fitted = [...widths];
  let tooMany = widths.reduce((sum, width) => sum + width + GAP_COLUMNS, -GAP_COLUMNS) - columns;
  for (const [index, width] of [...widths.entries()].reverse()) {
    const name = head[index] ?? '';
    if (tooMany <= 0 || !cut.includes(name)) continue;
    const taken = Math.min(tooMany, width - Math.max(LEAST_CUT_COLUMNS, stringWidth(name)));
    if (taken <= 0) continue;
    fitted[index] = width - taken;
    tooMany -= taken;
  }
  return tooMany <= 0 ? fitted : null;
}

function frameless(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): string {
  const table = new Table({
    head: [...head],
    chars: FRAMELESS,
    colWidths: widths.map((width) => width + GAP_COLUMNS),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP_COLUMNS },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().replaceAll(/[ \t]+$/gm, '');
}

/** As many as a line holds; a value that is longer has a line of its own, whole. */
function foldRow(head: readonly string[], row: readonly string[], columns: number): string {
  const lines: string[] = [];
  for (const [index, name] of head.entries()) {
    if ((row[index] ?? '') === '') continue;
    const part = `${name}: ${row[index]}`;
    const longer = `${lines.at(-1)}${INDENT}${part}`;
    if (lines.length > 0 && stringWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(lines.length === 0 ? part : `${INDENT}${part}`);
  }
  return lines.join('\n');
}

const FRAMELESS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);
