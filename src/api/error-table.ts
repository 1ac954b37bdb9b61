import { ERROR_CODES, isErrorCode } from '../domain/errors.js';
import { statusOfCode } from './problem.js';

/** The table of docs/OPERATIONS.md, Errors, as Markdown. */
export function renderErrorTable(): string {
  const rows = Object.keys(ERROR_CODES)
    .filter(isErrorCode)
    .map((code) => {
      const { kind, meaning, hint } = ERROR_CODES[code];
      return `| \`${code}\` | ${kind} | ${statusOfCode(code)} | ${meaning} | ${hint} |`;
    });
  return [
    '| Code | Kind | HTTP | Meaning | What to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
