import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDocument, ROOT, tableRows } from './markdown.js';

const LAYER =
  /^(domain|image|layout|repository|chain|audit|tree|mover|notify|primary|config|temporal|workflows)(?![\w-])/;

interface LintRules {
  readonly rules?: Readonly<Record<string, unknown>>;
}

/** Layers that each layer may import, from the advice of the lint rule that holds it to them. */
async function lintedLayers(): Promise<Record<string, string[]>> {
  const url = pathToFileURL(join(ROOT, 'eslint.config.js')).href;
  const { default: config } = (await import(url)) as { default: readonly LintRules[] };
  const layers: Record<string, string[]> = {};
  for (const { rules } of config) {
    const advice = JSON.stringify(rules?.['@typescript-eslint/no-restricted-imports'] ?? null);
    const [, folder, list = ''] = /"([\w/]+) may import: ([^"]+)\."/.exec(advice) ?? [];
    if (folder === undefined) continue;
    const imported = list.split(', ').map((entry) => LAYER.exec(entry)?.[1]);
    layers[folder] = imported.filter((layer) => layer !== undefined).sort();
  }
  return layers;
}

describe('docs/ARCHITECTURE.md', () => {
  it('allows each layer the imports that the lint rules allow', async () => {
    const { 'src/dashboard': _, ...linted } = await lintedLayers();
    const written: Record<string, string[]> = {};
    for (const [layer = '', imports = ''] of tableRows(
      readDocument('docs/ARCHITECTURE.md'),
      'Layer',
    ))
      written[layer] = imports
        .replaceAll(/\([^)]*\)|nothing/g, '')
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '')
        .sort();
    expect(Object.keys(linted).length).toBeGreaterThan(8);
    expect(written).toEqual(linted);
  });
});
