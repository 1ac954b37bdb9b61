import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderErrorTable } from '../../../src/api/error-table.js';
import { renderExitCodeTable } from '../../../src/cli/exit-codes.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { renderSettingsTable, SETTINGS } from '../../../src/config/settings.js';
import { ERROR_CODES } from '../../../src/domain/errors.js';
import {
  FILES_PASSED_OVER,
  FOLDERS_PASSED_OVER,
  renderPassedOverTable,
} from '../../../src/domain/passed-over.js';

const DOCUMENT = readFileSync(new URL('../../../docs/OPERATIONS.md', import.meta.url), 'utf8');

function section(title: string): string {
  const [, text = ''] = DOCUMENT.split(`\n## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

/** First cells of the rows of a section's table. */
function rowNames(title: string): string[] {
  const rows = section(title)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  return rows.slice(1).map((line) => line.split(' | ')[0]?.replaceAll(/[|` ]/g, '') ?? '');
}

describe('docs/OPERATIONS.md', () => {
  it('has the settings of the schema, and no others', () => {
    expect(section('Configuration')).toContain(renderSettingsTable());
    expect(rowNames('Configuration')).toEqual(SETTINGS.map(({ path }) => path));
  });

  it('has the codes of the error registry, and no others', () => {
    expect(section('Errors')).toContain(renderErrorTable());
    expect(rowNames('Errors')).toEqual(Object.keys(ERROR_CODES));
  });

  it('has the names that are passed over in sources, and no others', () => {
    expect(section('What is passed over in a source')).toContain(renderPassedOverTable());
    expect(section('What is passed over in a source').match(/^\| (?:folder|file) /gm)).toHaveLength(
      FOLDERS_PASSED_OVER.length + FILES_PASSED_OVER.length,
    );
  });

  it('has the exit codes of the command, and no others', () => {
    expect(section('Exit codes')).toContain(renderExitCodeTable());
    expect(rowNames('Exit codes')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('shows a configuration that is accepted', () => {
    const [, example = ''] = /```yaml\n(server:.*?)```/s.exec(DOCUMENT) ?? [];
    const config = parseConfig(example, { name: 'example', folder: '/etc', environment: {} });
    expect(config.repositories.map(({ id }) => id)).toEqual(['primary', 'offsite']);
  });

  it('describes every setting and what it allows', () => {
    const silent = SETTINGS.filter(
      ({ allowed, description }) => allowed === '' || description === '',
    );
    expect(silent).toEqual([]);
  });
});
