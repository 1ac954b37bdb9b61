import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../../..');

/** Documents whose links and paths are held true, relative to the repository. */
export const DOCUMENTS = ['.', 'docs', 'docs/adr'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => (folder === '.' ? name : `${folder}/${name}`)),
);

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Contents of the fenced blocks of one language, in order. */
export function codeBlocks(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...blocks].map(([, content = '']) => content);
}

/** Code in the running text. */
export function inlineCode(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, content = '']) => content);
}

/** Titles of all headings. */
export function headings(text: string): string[] {
  return [...text.matchAll(/^#{1,4} (.+)$/gm)].map(([, title = '']) => title);
}

/** Fragment of a link to a heading, as GitHub makes it. */
export function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Rows of the table whose first header cell is `name`, as cells. */
export function tableRows(text: string, name: string): string[][] {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${name} |`));
  const rows: string[][] = [];
  for (const line of head === -1 ? [] : lines.slice(head + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(line.split('|').slice(1, -1).map(withoutFormatting));
  }
  return rows;
}

function withoutFormatting(cell: string): string {
  return cell.trim().replaceAll('`', '');
}
