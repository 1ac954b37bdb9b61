/** What is wrong with a value, for whoever sent it: the words of zod are those of programs. A schema that has words of its own keeps them. */

import type { z } from 'zod';

/** undefined: zod's words. */
export function schemaWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`;
    case 'too_small':
      return limitWords(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return limitWords(issue.origin, 'at most', issue.maximum);
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${typeWords(issue.expected)}`;
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be an instant, as 2026-11-24T22:00:00Z'
        : undefined;
    case 'invalid_union':
      return unionWords(issue);
    default:
      return undefined;
  }
}

/** What each of the alternatives wants, said once: their issues have these words already. `options`: one of these words tells them apart. */
function unionWords({
  options,
  errors,
}: {
  readonly options?: unknown;
  readonly errors: readonly (readonly z.core.$ZodIssue[])[];
}): string | undefined {
  if (Array.isArray(options)) return `must be ${oneOf(options.map(String))}`;
  const wishes = new Set(
    errors.map((issues) =>
      issues.map(({ path, message }) => [...path.map(String), message].join(': ')).join(', '),
    ),
  );
  const [first = '', ...more] = wishes;
  if (first === '') return undefined;
  return [first, ...more.map((wish) => wish.replace(/^must be /, ''))].join(' or ');
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`;
}

function limitWords(origin: string, which: string, limit: number | bigint): string | undefined {
  if (origin === 'number' || origin === 'int') return `must be ${which} ${String(limit)}`;
  const things = { string: 'character', array: 'entry' }[origin];
  if (things === undefined) return undefined;
  const many = things === 'entry' ? 'entries' : `${things}s`;
  return `must have ${which} ${String(limit)} ${Number(limit) === 1 ? things : many}`;
}

function typeWords(expected: string): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'boolean') return 'true or false';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
