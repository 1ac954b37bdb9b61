import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const PROBES = fileURLToPath(new URL('./probes', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../eslint.config.js', import.meta.url));
const EXPECTATION = /\/\/ report: (.+)$/;

/** `<file>:<line> <rule>` */
type Report = string;

describe('the lint rules', () => {
  let reported: Report[];
  let expected: Report[];
  beforeAll(async () => {
    // With a configuration file named, patterns count from `cwd`: the probes lie in folders as the source does.
    const eslint = new ESLint({ cwd: PROBES, overrideConfigFile: CONFIG });
    const results = await eslint.lintFiles(['**/*.{ts,tsx}']);
    reported = results.flatMap(({ filePath, messages }) =>
      messages.map(({ line, ruleId, message }) => reportOf(filePath, line, ruleId ?? message)),
    );
    const files = results.map(({ filePath }) => filePath);
    expected = (await Promise.all(files.map(expectationsOf))).flat();
  });

  it('report every planted violation and nothing else', () => {
    expect(reported.sort()).toEqual(expected.sort());
  });

  it('have a probe for each layer and each rule of their own', () => {
    const layers = new Set(expected.filter(ofRule('no-restricted-imports')).map(layerOf));
    const rules = new Set(expected.map((report) => report.split(' ')[1] ?? ''));

    expect([...layers].sort()).toEqual([
      'activities',
      'src/api',
      'src/audit',
      'src/chain',
      'src/config',
      'src/dashboard',
      'src/domain',
      'src/image',
      'src/layout',
      'src/mover',
      'src/notify',
      'src/primary',
      'src/repository',
      'src/temporal',
      'src/tree',
      'workflows',
    ]);
    expect([...rules].filter((rule) => rule.startsWith('longhaul/')).sort()).toEqual([
      'longhaul/backup-error-cause',
      'longhaul/file-name',
      'longhaul/storage-verbs',
      'longhaul/unique-test-title',
    ]);
  });

  it('have a probe for each rule that is set here', async () => {
    const config = await readFile(CONFIG, 'utf8');
    const set = [...config.matchAll(/'?([\w@/-]+)'?:\s*\[?\s*'error'/g)].map(([, rule]) => rule!);
    const broken = new Set(expected.map((report) => report.split(' ')[1] ?? ''));

    expect(set.length).toBeGreaterThan(15);
    expect(set.filter((rule) => !broken.has(rule))).toEqual([]);
  });

  function ofRule(name: string): (report: Report) => boolean {
    return (report) => report.endsWith(name);
  }

  function layerOf(report: Report): string {
    return /^(src\/[^/]+|[^/]+)/.exec(report)?.[1] ?? report;
  }
});

async function expectationsOf(file: string): Promise<Report[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.flatMap((line, index) =>
    (EXPECTATION.exec(line)?.[1] ?? '')
      .split(', ')
      .filter((rule) => rule !== '')
      .map((rule) => reportOf(file, index + 1, rule)),
  );
}

function reportOf(file: string, line: number, rule: string): Report {
  return `${relative(PROBES, file)}:${line} ${rule}`;
}
