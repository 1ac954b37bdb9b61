import { describe, expect, it } from 'vitest';
import { mayHoldClass } from '../../../../src/domain/trees/class-folders.js';
import type { FileClass } from '../../../../src/domain/trees/tree-rules.js';

function classes(...patterns: RegExp[]): { classes: readonly FileClass[] } {
  return {
    classes: patterns.map((match) => ({ name: match.source, match, content: 'immutable' })),
  };
}

describe('mayHoldClass', () => {
  it.each([
    // pattern, folder, whether a walk looks into it
    [/^data\//, '', true],
    [/^data\//, 'data/', true],
    [/^data\//, 'data/aa/', true],
    [/^data\//, 'index/', false],
    [/^data\//, 'dat/', false],
    [/^p[0-9a-f]/, 'p12/', true],
    [/^p[0-9a-f]/, 'q12/', false],
    [/^(?:keys|config)/, 'other/', true],
    [/^a\/|b$/, 'c/', true],
    [/^ab?\//, 'a/', true],
    [/^DATA\//i, 'data/', true],
    [/\.json$/, 'deep/er/', true],
    [/^\.chunks\/[0-9a-f]{4}\//, '.chunks/0000/', true],
    [/^\.chunks\/[0-9a-f]{4}\//, 'vm/', false],
  ])('of %s in %s: %s', (pattern, folder, expected) => {
    expect(mayHoldClass(classes(pattern), 0, folder)).toBe(expected);
  });

  it('does not walk the folder of another class for one that names none', () => {
    const rules = classes(/(?:^|\/)owner$/, /^\.chunks\/[0-9a-f]{4}\//, /\.fidx$/);
    expect([0, 1, 2].map((index) => mayHoldClass(rules, index, '.chunks/00ff/'))).toEqual([
      false,
      true,
      false,
    ]);
    expect([0, 1, 2].map((index) => mayHoldClass(rules, index, 'vm/100/'))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('walks one folder for all classes that name it, until one takes all of it', () => {
    const rules = classes(/^db\/[^/]+\.data$/, /^db\//, /^db\/late$/);
    expect([0, 1, 2].map((index) => mayHoldClass(rules, index, 'db/'))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
