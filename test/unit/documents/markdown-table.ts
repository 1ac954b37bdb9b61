/** One row of a table in a document: text of each cell by the heading of its column. */
export type Row = Readonly<Record<string, string>>;

/** All rows of the tables in a text, read as GitHub Flavored Markdown has them (section Tables): cells between bars, a bar in a cell
 *  behind a backslash. @throws when a row has another number of cells than its head */
export function tableRows(text: string): Row[] {
  const rows: Row[] = [];
  let head: string[] | null = null;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) head = null;
    else if (head === null) head = cellsOf(line);
    else if (!/^[|\s:-]+$/.test(line)) rows.push(rowOf(head, cellsOf(line)));
  }
  return rows;
}

/** Without its code marks. */
export function plain(cell: string): string {
  return cell.replaceAll('`', '');
}

function rowOf(head: readonly string[], cells: readonly string[]): Row {
  if (cells.length !== head.length)
    throw new Error(`${cells.length} cells below ${head.length} headings: ${cells.join(' | ')}`);
  return Object.fromEntries(head.map((name, index) => [name, cells[index] ?? '']));
}

function cellsOf(line: string): string[] {
  const cells = line.trim().split(/(?<!\\)\|/);
  return cells.slice(1, -1).map((cell) => cell.trim().replaceAll('\\|', '|'));
}
