import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BACKUP_LAYOUTS, workloadTypes } from '../../../src/layout/layouts.js';
import { TREE_LAYOUTS } from '../../../src/layout/tree-layouts.js';
import {
  LAYOUT_EVIDENCE,
  renderFormatTable,
  renderLayoutTable,
  renderTreeTable,
  renderTypeTable,
} from '../../support/documents/compatibility.js';
import { renderEndTable } from '../../support/documents/end-evidence.js';
import { TREE_EVIDENCE } from '../../support/documents/tree-evidence.js';
import { readDocument, ROOT } from './markdown.js';

const DOCUMENT = readDocument('docs/COMPATIBILITY.md');
/** Prettier pads the cells. */
const lines = (text: string) => text.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

/** A table that stands there row by row, and nothing else below its head. */
function expectTable(document: string, table: string): void {
  const rows = lines(table).filter((line) => !line.startsWith('| ---'));
  expect(rows.filter((row) => !lines(document).includes(row))).toEqual([]);
  const head = lines(document).indexOf(rows[0]!);
  const end = lines(document).findIndex((line, index) => index > head && line === '');
  expect(end - head).toBe(rows.length + 1);
}

describe('README.md', () => {
  it('has a row for every type of backups, with the command of its tool', () => {
    const table = renderTypeTable();
    expectTable(readDocument('README.md'), table);
    expect(table).not.toContain('?');
    expect(workloadTypes().filter(({ restoredWith }) => restoredWith === '')).toEqual([]);
  });
});

describe('docs/COMPATIBILITY.md', () => {
  it.each([
    ['layout', renderLayoutTable()],
    ['tree', renderTreeTable()],
    ['format', renderFormatTable()],
    ['end of a file', renderEndTable()],
  ])('has the table of every %s as it is rendered', (_, table) => {
    expectTable(DOCUMENT, table);
  });

  it('says of every layout how it was checked, and by which tests', () => {
    const evidence = { ...LAYOUT_EVIDENCE, ...TREE_EVIDENCE };
    const names = [...BACKUP_LAYOUTS, ...TREE_LAYOUTS].map(({ name }) => name);
    expect(names.filter((name) => !(name in evidence))).toEqual([]);
    for (const name of names)
      for (const path of evidence[name]!.tests)
        expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  /** What the tool that judges calls itself where these tests run; null: it is not here, and cannot be asked. */
  const versionOf = (program: string, args: readonly string[]): string | null => {
    const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    return error === undefined ? `${stdout}${stderr}` : null;
  };

  it.for([
    ['qemu-img', ['--version'], /qemu-img (?<said>[\d.]+)/, /version (?<is>[\d.]+)/],
    ['virtnbdbackup', ['--version'], /virtnbdbackup (?<said>[\d.]+)/, /(?<is>\d+\.[\d.]+)/],
    ['restic', ['version'], /restic check[^(]*\((?<said>[\d.]+)\)/, /restic (?<is>[\d.]+)/],
    ['borg', ['--version'], /borg check[^(]*\((?<said>[\d.]+)\)/, /borg (?<is>[\d.]+)/],
  ] as const)(
    'names the version of %s that these tests ask',
    ([program, args, said, is], { skip }) => {
      const judges = Object.values({ ...LAYOUT_EVIDENCE, ...TREE_EVIDENCE }).map(
        ({ judge }) => judge,
      );
      const named = new Set(judges.flatMap((judge) => said.exec(judge)?.groups?.['said'] ?? []));
      expect(named.size).toBe(1);
      const answer = versionOf(program, args);
      if (answer === null) skip(`${program} is not here`);
      const version = is.exec(answer!)?.groups?.['is'];
      const [typed = ''] = named;
      expect(`${version}.`.startsWith(`${typed}.`), `${program} ${version}`).toBe(true);
    },
  );

  it('calls one type of backups by one name', () => {
    const titles = new Map<string, Set<string>>();
    for (const { type } of [...BACKUP_LAYOUTS, ...TREE_LAYOUTS])
      titles.set(type.id, (titles.get(type.id) ?? new Set()).add(type.title));
    expect([...titles].filter(([, own]) => own.size > 1)).toEqual([]);
  });
});
