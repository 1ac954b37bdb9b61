import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test that is named for what it proves. */
export interface Proof {
  /** What: `guarantee 3`. */
  readonly of: string;
  /** Relative to the repository. */
  readonly path: string;
  /** As it is written in the file: `$name` and `%s` stand for what a table of cases puts there. Of a suite that is run for several things: with the names of the suites that it
   *  lies in before it, ` > ` between them. */
  readonly title: string;
}

interface Guarantee {
  readonly number: number;
  readonly text: string;
  readonly proofs: readonly Proof[];
}

export interface TestOutcome {
  /** Of its file, relative to the repository. */
  readonly path: string;
  readonly title: string;
  /** With those of the suites that it lies in. */
  readonly fullTitle: string;
  readonly state: 'passed' | 'failed' | 'skipped';
}

/** The numbered list of the README, in order. */
export function guarantees(): Guarantee[] {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## What it guarantees\n');
  const [body = ''] = section.split('\n## ');
  return body
    .split(/\n(?=\d+\. )/)
    .slice(1)
    .map((text) => {
      const number = Number.parseInt(text, 10);
      const named = [...text.matchAll(/`(test\/[^`]+)` "([^"]+)"/g)];
      return {
        number,
        text,
        proofs: named.map(([, path = '', title = '']) => ({
          of: `guarantee ${number}`,
          path,
          title,
        })),
      };
    });
}

/** What a run did not prove, one line each: a proof of a file that ran counts only when tests of its title ran and all of them passed.
 *  Proofs of files that were not part of the run are passed over. A suite that other files run is looked for in all of them. */
export function unproven(proofs: readonly Proof[], outcomes: readonly TestOutcome[]): string[] {
  return proofs.flatMap(({ of, path, title }) => {
    const ofFile = path.endsWith('.test.ts')
      ? outcomes.filter((outcome) => outcome.path === path)
      : outcomes;
    const pattern = titlePattern(title);
    const states = ofFile
      .filter((test) => pattern.test(test.title) || pattern.test(test.fullTitle))
      .map(({ state }) => state);
    const isPartOfRun = path.endsWith('.test.ts') ? ofFile.length > 0 : states.length > 0;
    if (!isPartOfRun || (states.length > 0 && states.every((state) => state === 'passed')))
      return [];
    const word = states.find((state) => state !== 'passed') ?? 'not run';
    return [`${of} is not proven, ${word}: ${path} "${title}"`];
  });
}

function titlePattern(title: string): RegExp {
  const literal = title.replaceAll(/[.*+?^()|[\]{}\\]/g, String.raw`\$&`);
  return new RegExp(`^${literal.replaceAll(/\$\w+|%[a-z]/g, '.*')}$`, 's');
}
