import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { toProblem } from '../../../src/api/problem.js';
import { EXIT_OF_KIND, EXIT_CODES, EXIT_OF_RESULT } from '../../../src/cli/exit-codes.js';
import type { ConfigFault } from '../../../src/config/config-fault.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { SETTINGS } from '../../../src/config/settings.js';
import {
  BackupError,
  ERROR_CODES,
  isBackupError,
  isErrorCode,
} from '../../../src/domain/errors.js';
import {
  FILES_PASSED_OVER,
  FOLDERS_PASSED_OVER,
  isFilePassedOver,
  isFolderPassedOver,
} from '../../../src/domain/sources/passed-over.js';
import { SAFETY_CODES } from '../../../src/domain/safety/safety-codes.js';
import { plain, tableRows, type Row } from '../documents/markdown-table.js';
import { renderKindTable } from '../../../src/repository/kinds.js';

const DOCUMENT = readFileSync(new URL('../../../docs/OPERATIONS.md', import.meta.url), 'utf8');

function section(title: string): string {
  const [, text = ''] = DOCUMENT.split(`\n## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

/** Rows whose table has a column of this name. */
function rowsOf(title: string, column: string): Row[] {
  return tableRows(section(title)).filter((row) => column in row);
}

const BASE = {
  temporal: { type: 'embedded' } as object,
  repositories: [
    { id: 'primary', path: '/backups', role: 'primary' },
    { id: 'offsite', path: '/mnt', role: 'target' },
  ] as object[],
};
const SWAPPED = [
  { id: 'primary', path: '/backups', role: 'target' },
  { id: 'offsite', path: '/mnt', role: 'primary' },
];
const EXTERNAL = { ...BASE, temporal: { type: 'external', address: 'temporal:7233', tls: {} } };

const settings = rowsOf('Configuration', 'Setting').map((row) => ({
  path: plain(row['Setting'] ?? ''),
  /** Of the repository `offsite`; null: the setting has none. */
  variable: /^`(.*)`$/.exec(row['Variable'] ?? '')?.[1]?.replace('<ID>', 'OFFSITE') ?? null,
  isRequired: row['Default'] === 'required',
  defaultText: plain(row['Default'] ?? ''),
  allowed: row['Allowed'] ?? '',
  meaning: row['Meaning'] ?? '',
}));
const withVariable = settings.filter(({ variable }) => variable !== null);

function faultsWith(file: object, environment: Record<string, string>): ConfigFault[] {
  try {
    parseConfig(stringify(file), { name: 'test', folder: '/etc', environment });
  } catch (error) {
    if (isBackupError(error, 'CONFIG_INVALID')) return error.details.faults as ConfigFault[];
    throw error;
  }
  return [];
}

/** Of the setting's own section: with an external Temporal server where the setting belongs to one. */
function baseOf({ meaning }: { readonly meaning: string }): typeof BASE {
  return meaning.startsWith('External:') ? EXTERNAL : BASE;
}

function valueAt(config: unknown, path: string): string | number | null {
  let value = config;
  for (const name of path.replace('[]', '.1').split('.'))
    value = (value as Record<string, unknown> | null)?.[name];
  return value as string | number | null;
}

describe('the settings in docs/OPERATIONS.md', () => {
  it('are those of the schema, in its order', () => {
    expect(settings.map(({ path }) => path)).toEqual(SETTINGS.map(({ path }) => path));
    expect(withVariable.length).toBeGreaterThan(20);
  });

  it.each(withVariable.filter(({ isRequired }) => !isRequired))(
    '$path is $defaultText when nothing sets it',
    (setting) => {
      const file = stringify(baseOf(setting));
      const config = parseConfig(file, { name: 'test', folder: '/etc', environment: {} });
      const value = valueAt(config, setting.path);
      const shown =
        setting.path === 'stateDirectory' ? './state' : value === null ? 'unset' : `${value}`;
      expect(shown).toBe(setting.defaultText);
      if (setting.path === 'stateDirectory') expect(value).toBe('/etc/state');
    },
  );

  it.each(withVariable.filter(({ isRequired }) => isRequired))(
    '$path is asked for when nothing sets it',
    ({ path }) => {
      const without = {
        temporal: { type: 'external', ...(path === 'temporal.address' ? {} : { address: 'a:1' }) },
        repositories: [{ id: 'offsite', path: '/mnt', role: 'target' }].map((repository) =>
          Object.fromEntries(Object.entries(repository).filter(([key]) => !path.endsWith(key))),
        ),
      };
      expect(faultsWith(without, {}).map((fault) => fault.path)).toEqual([
        path.replace('[]', '[0]'),
      ]);
    },
  );

  it.each(withVariable.filter(({ allowed }) => /^\d+ to \d+/.test(allowed)))(
    '$path is accepted exactly within $allowed',
    (setting) => {
      const [, low = '', high = ''] = /^(\d+) to (\d+)/.exec(setting.allowed) ?? [];
      const step = Number(/a multiple of (\d+)/.exec(setting.allowed)?.[1] ?? 1);
      const accepted = (value: number) =>
        faultsWith(baseOf(setting), { [setting.variable ?? '']: String(value) }).length === 0;
      const values = [-step, 0, step].flatMap((by) => [Number(low) + by, Number(high) + by]);
      const within = values.filter((value) => value >= Number(low) && value <= Number(high));
      expect(values.filter(accepted)).toEqual(within);
      if (step > 1) expect(accepted(Number(low) + 1)).toBe(false);
    },
  );

  it.each(withVariable.filter(({ allowed }) => /^`[a-z]+`/.test(allowed)))(
    '$path takes exactly the words $allowed',
    (setting) => {
      const words = [...setting.allowed.matchAll(/`([a-z-]+)`/g)].map(([, word = '']) => word);
      const refused = [...words, 'another'].filter((word) => {
        const base = word === 'external' && setting.path === 'temporal.type' ? EXTERNAL : BASE;
        const ofRole = base.repositories.filter((_, index) => word === 'target' || index > 0);
        const isOfSources = setting.allowed.includes(`\`${word}\` (not of a target)`);
        const repositories = isOfSources ? SWAPPED : ofRole;
        const faults = faultsWith({ ...base, repositories }, { [setting.variable ?? '']: word });
        return faults.some(({ variable }) => variable === setting.variable);
      });
      expect(refused).toEqual(['another']);
    },
  );

  it('say what each is for', () => {
    expect(settings.filter(({ allowed, meaning }) => allowed === '' || meaning === '')).toEqual([]);
  });
});

it('lists in docs/OPERATIONS.md the kinds of storage as their rows have them', () => {
  expect(section('Configuration')).toContain(renderKindTable());
});

describe('the errors in docs/OPERATIONS.md', () => {
  /** RFC 9110, section 15, and RFC 4918, section 11.5, by kind; codes that HTTP has an answer of its own for come first. */
  const STATUS: Readonly<Record<string, number>> = {
    METHOD_NOT_ALLOWED: 405,
    REQUEST_INVALID: 400,
    UNAUTHORIZED: 401,
    PERMISSION_MISSING: 403,
    SIGN_IN_FAILED: 403,
    ROLE_MISSING: 403,
    ORIGIN_FOREIGN: 403,
    TOO_MANY_ATTEMPTS: 429,
    TOKEN_REQUIRED: 403,
    REQUEST_TOO_LARGE: 413,
    MEDIA_TYPE_UNSUPPORTED: 415,
    invalid: 422,
    not_found: 404,
    conflict: 409,
    unavailable: 503,
    exhausted: 507,
    corrupt: 500,
    unsupported: 422,
  };
  const rows = rowsOf('Errors', 'Code').map((row) => ({ ...row, code: plain(row['Code'] ?? '') }));

  it('are those of the registry with their kind, meaning and hint, each once', () => {
    const documented = rows.map((row: Row) => [
      row['code'],
      { kind: row['Kind'], meaning: row['Meaning'], hint: row['What to do'] },
    ]);
    expect(documented).toEqual(Object.entries(ERROR_CODES));
    expect(documented.length).toBeGreaterThan(60);
  });

  it.each(rows.map((row: Row) => [row['code'] ?? '', row['Kind'] ?? '', Number(row['HTTP'])]))(
    '%s of kind %s answers with status %i',
    (code, kind, status) => {
      expect(status).toBe(STATUS[code] ?? STATUS[kind]);
      if (!isErrorCode(code)) throw new Error(`${code} is no error code`);
      expect(toProblem(new BackupError(code, 'text')).status).toBe(status);
    },
  );
});

describe('the problems in docs/OPERATIONS.md', () => {
  it('are those of the registry with severity, meaning and next step, each once', () => {
    const documented = rowsOf('What is wrong', 'Code').map((row) => [
      plain(row['Code'] ?? ''),
      { severity: row['Severity'], meaning: row['Meaning'], nextStep: row['Next step'] },
    ]);
    expect(documented).toEqual(Object.entries(SAFETY_CODES));
    expect(documented.length).toBeGreaterThan(15);
  });
});

describe('what docs/OPERATIONS.md says is passed over', () => {
  const rows = rowsOf('What is passed over in a source', 'Kind');
  const namesOf = (kind: string) =>
    rows.filter((row) => row['Kind'] === kind).map((row) => plain(row['Name'] ?? ''));

  it('is passed over, by each of its names in either case, and nothing beyond its kind', () => {
    const example = (pattern: string) => pattern.replace('*', 'x');
    for (const pattern of namesOf('folder')) {
      const name = example(pattern);
      expect([name, isFolderPassedOver(name)]).toEqual([name, true]);
      expect([name, isFolderPassedOver(name.toUpperCase())]).toEqual([name, true]);
      const isOpen = name.startsWith('.') || pattern.endsWith('*');
      expect([name, isFolderPassedOver(`${name}x`)]).toEqual([name, isOpen]);
    }
    for (const name of namesOf('file').map(example)) {
      expect([name, isFilePassedOver(name)]).toEqual([name, true]);
      expect([name, isFilePassedOver(name.toLowerCase())]).toEqual([name, true]);
      expect([name, isFilePassedOver(`${name}x`)]).toEqual([name, name.startsWith('.')]);
    }
  });

  it('is all that the program passes over', () => {
    expect(namesOf('folder')).toEqual(FOLDERS_PASSED_OVER.map(({ name }) => name));
    expect(namesOf('file')).toEqual(FILES_PASSED_OVER.map(({ name }) => name));
    expect(rows).toHaveLength(FOLDERS_PASSED_OVER.length + FILES_PASSED_OVER.length);
  });
});

describe('the exit codes in docs/OPERATIONS.md', () => {
  it('are those of the command with their meaning, each once', () => {
    const documented = rowsOf('Exit codes', 'Exit code').map((row) => [
      Number(row['Exit code']),
      row['Meaning'],
    ]);
    expect(documented).toEqual([
      [0, 'Done.'],
      [1, 'A bug, or a server error that has no code; `safe`: not all is well.'],
      [2, 'Wrong usage, or a request that breaks a rule.'],
      [3, 'No such job, session, repository or restore point.'],
      [4, 'The state does not allow it, or someone else was faster.'],
      [5, 'A server or a repository does not answer, or is full; or the output cannot be written.'],
      [6, 'The session or operation that was followed failed or was stopped.'],
      [7, 'The session that was followed needs a decision: see its reason.'],
      [8, 'The session or operation that was followed ended with a warning.'],
    ]);
  });

  it('are given by the command as the page says', () => {
    const code = (name: keyof typeof EXIT_CODES) => EXIT_CODES[name].code;
    expect(Object.entries(EXIT_OF_KIND).map(([kind, name]) => [kind, code(name)])).toEqual([
      ['invalid', 2],
      ['not_found', 3],
      ['conflict', 4],
      ['unavailable', 5],
      ['exhausted', 5],
      ['corrupt', 6],
      ['unsupported', 2],
    ]);
    expect(Object.entries(EXIT_OF_RESULT).map(([result, name]) => [result, code(name)])).toEqual([
      ['success', 0],
      ['nothingToCopy', 0],
      ['warning', 8],
      ['failed', 6],
      ['stopped', 6],
      ['actionRequired', 7],
    ]);
  });
});

describe('the example in docs/OPERATIONS.md', () => {
  it('is accepted as a configuration', () => {
    const [, example = ''] = /```yaml\n(server:.*?)```/s.exec(DOCUMENT) ?? [];
    const config = parseConfig(example, { name: 'example', folder: '/etc', environment: {} });
    expect(config.repositories.map(({ id }) => id)).toEqual(['primary', 'offsite']);
  });
});
