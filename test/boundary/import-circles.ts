import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/** Files that import each other in a circle, types as well as values: none of them can be read, moved or tested without the others.
 *  @param files of TypeScript, relative to `root`
 *  @returns the files of each circle, sorted */
export function importCircles(root: string, files: readonly string[]): string[][] {
  const known = new Set(files);
  const imports = new Map(files.map((file) => [file, importsOf(root, file, known)]));
  const circles: string[][] = [];
  const done = new Set<string>();
  for (const file of files) {
    if (done.has(file)) continue;
    const reached = reachedFrom(file, imports);
    if (!reached.has(file)) continue;
    const circle = [...reached].filter((other) => reachedFrom(other, imports).has(file)).sort();
    for (const member of circle) done.add(member);
    circles.push(circle);
  }
  return circles.sort();
}

function importsOf(root: string, file: string, known: ReadonlySet<string>): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'));
  return importedFiles.flatMap(({ fileName }) => {
    if (!fileName.startsWith('.')) return [];
    const path = normalize(join(dirname(file), fileName)).replace(/\.js$/, '');
    return [`${path}.ts`, `${path}.tsx`].filter((name) => known.has(name));
  });
}

function reachedFrom(first: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(imports.get(first) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    open.push(...(imports.get(file) ?? []));
  }
  return reached;
}
