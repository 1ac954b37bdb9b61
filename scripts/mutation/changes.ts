import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';

/** One change of the code. Source: `Mutant` of Stryker's instrumenter. */
export interface Change {
  readonly id: string;
  readonly fileName: string;
  readonly replacement: string;
  /** Lines and columns from 0 on. */
  readonly location: { readonly start: Position; readonly end: Position };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** Code in which every change stands beside what it would replace, and is switched on by its id. */
interface SwitchedCode {
  readonly changes: readonly Change[];
  readonly files: readonly { readonly name: string; readonly content: string }[];
}

/** Texts are for people, and the compiler holds those that are names. */
const NOT_CHANGED = ['StringLiteral'];
const LINES = /^(.*\.ts):(\d+)-(\d+)$/;
const QUIET = Object.fromEntries(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, () => undefined]),
);

/** @param places files or folders, or `<file>:10-40` for these lines alone */
export async function switchedCode(places: readonly string[]): Promise<SwitchedCode> {
  const files = places.flatMap((place) => {
    const [, path = place, first, last] = LINES.exec(place) ?? [];
    const lines = {
      start: { line: Number(first) - 1, column: 0 },
      end: { line: Number(last), column: 0 },
    };
    return filesOf(path, '.ts').map((name) => ({
      name,
      mutate: first === undefined ? true : [lines],
      content: readFileSync(name, 'utf8'),
    }));
  });
  const logger = { ...QUIET, ...levels() };
  const instrumenter = new Instrumenter(logger as never);
  const options = { plugins: null, excludedMutations: NOT_CHANGED, ignorers: [] };
  const result = await instrumenter.instrument(files, options);
  const changes = result.mutants.filter(({ status }) => status !== 'Ignored') as Change[];
  return {
    changes: changes.map(({ id, fileName, replacement, location }) => ({
      id,
      fileName,
      replacement,
      location,
    })),
    files: result.files,
  };
}

/** The file, or all files of the folder whose names end so; whole paths. */
export function filesOf(place: string, ending: string): readonly string[] {
  const path = resolve(place);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(path, name))
    .sort();
}

/** Of 100 changes about `percent` are drawn, the same ones in each run as long as the file is the same. */
export function isDrawn({ fileName, location, replacement }: Change, percent: number): boolean {
  const place = JSON.stringify([basename(fileName), location, replacement]);
  const drawn = createHash('sha256').update(place).digest().readUInt32BE() / 2 ** 32;
  return drawn * 100 < percent;
}

/** `file:line: what stands there → what would be put in its place`, each on one line. */
export function described({ fileName, location, replacement }: Change): string {
  const lines = readFileSync(fileName, 'utf8').split('\n');
  const { start, end } = location;
  const taken = lines.slice(start.line, end.line + 1);
  taken[taken.length - 1] = taken.at(-1)!.slice(0, end.column);
  taken[0] = taken[0]!.slice(start.column);
  return `${relative('.', fileName)}:${start.line + 1}: ${oneLine(taken.join('\n'))} → ${oneLine(replacement)}`;
}

function oneLine(code: string): string {
  const text = code.replaceAll(/\s+/g, ' ').trim();
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function levels(): Record<string, () => boolean> {
  const names = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal'];
  return Object.fromEntries(names.map((level) => [`is${level}Enabled`, () => false]));
}
